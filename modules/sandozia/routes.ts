import { defineRoute, json, type RouteDefinition } from '../../runtime/contracts/http.js';
import { statusAnswer } from './schema.js';

/** GET /sandozia/status. `status` gives the answer's body. */
export function sandoziaRoutes(status: () => unknown): RouteDefinition[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/sandozia/status',
      role: 'user',
      tag: 'sandozia',
      summary: "Whether the modules' accounts of the same things agree, check by check",
      errors: 'problem',
      responses: { 200: { description: 'Checks with their last result', schema: statusAnswer } },
      handler: () => json(status()),
    }),
  ];
}
