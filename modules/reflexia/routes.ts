import { defineRoute, json, type RouteDefinition } from '../../runtime/contracts/http.js';
import { statusAnswer } from './schema.js';

/** GET /reflexia/status. `status` gives the answer's body. */
export function reflexiaRoutes(status: () => unknown): RouteDefinition[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/reflexia/status',
      role: 'operator',
      scope: 'read',
      tag: 'reflexia',
      summary: 'The last sample of the device and the ones before it; a value that cannot be read is absent',
      errors: 'problem',
      responses: { 200: { description: 'Samples', schema: statusAnswer } },
      handler: () => json(status()),
    }),
  ];
}
