import { z } from 'zod';
import { levels } from '../../runtime/contracts/device.js';
import { defineRoute, json } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext } from '../../runtime/contracts/module.js';

/** A third party's module that sets the level as a decision would. */
export default (): ArkaliaModule => {
  let context: ModuleContext;
  return {
    name: 'set-level',
    version: '1.0.0',
    priority: 'optional',
    provision(given) {
      context = given;
    },
    validate() {},
    start() {},
    stop() {},
    health: () => ({ state: 'ok' }),
    routes: () => [
      defineRoute({
        method: 'POST',
        path: '/set-level',
        role: 'none',
        tag: 'test',
        summary: 'Sets the level',
        errors: 'problem',
        body: z.strictObject({ level: z.enum(levels) }),
        responses: { 200: { description: 'Set' } },
        handler: async ({ body }) => {
          await context.degradation.set(body.level, 'the test asks for it');
          return json({ level: context.degradation.level() });
        },
      }),
    ],
  };
};
