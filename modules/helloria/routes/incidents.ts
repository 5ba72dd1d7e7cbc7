import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { actorOf, defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { type Incident, incidentSchema } from '../../../runtime/contracts/incident.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';

/** What could not be mended, and the way to close it. */
export function incidentRoutes({ incidents }: Pick<ModuleContext, 'incidents'>): RouteDefinition[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/incidents',
      role: 'operator',
      scope: 'read',
      tag: 'system',
      summary: 'What the appliance could not mend itself, newest first, with what was tried',
      errors: 'problem',
      responses: {
        200: { description: 'Incidents', schema: z.object({ incidents: z.array(incidentSchema) }) },
      },
      handler: () => json({ incidents: incidents.all() }),
    }),
    defineRoute({
      method: 'POST',
      path: '/incidents/:id/acknowledge',
      role: 'operator',
      scope: 'operate',
      tag: 'system',
      summary: 'Takes an incident on, so that others know that somebody looks after it',
      errors: 'problem',
      body: z.strictObject({}),
      responses: { 200: { description: 'The incident', schema: incidentSchema } },
      handler: async ({ c, caller }) =>
        json(known(await incidents.acknowledge(c.req.param('id') ?? '', actorOf(caller)))),
    }),
    defineRoute({
      method: 'POST',
      path: '/incidents/:id/close',
      role: 'operator',
      scope: 'operate',
      tag: 'system',
      summary:
        'Closes an incident that a person has looked at; while the fault is still there another is opened',
      errors: 'problem',
      body: z.strictObject({}),
      responses: { 200: { description: 'The incident', schema: incidentSchema } },
      handler: async ({ c, caller }) =>
        json(known(await incidents.close(c.req.param('id') ?? '', actorOf(caller)))),
    }),
  ];
}

function known(found: Incident | undefined): Incident {
  if (found === undefined) throw new AppError('not_found', 'There is no incident of that id.');
  return found;
}
