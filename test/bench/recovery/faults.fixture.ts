import type { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { defineRoute, json } from '../../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext } from '../../../runtime/contracts/module.js';

/** Newest thread whose script is of that name; workers.fixture.ts remembers them. */
function thread(script: RegExp): Worker {
  const { rememberedWorkers: known = new Map<string, Worker>() } = globalThis as unknown as {
    rememberedWorkers?: Map<string, Worker>;
  };
  const found = [...known].filter(([file]) => script.test(file)).at(-1)?.[1];
  if (found === undefined) throw new Error(`there is no thread ${script}`);
  return found;
}

/** Fills memory, page by page, until something ends it; at most 2 GB. */
function hog(): void {
  const held: Buffer[] = [];
  const more = () => {
    for (let n = 0; n < 16; n++) held.push(Buffer.alloc(1_048_576, 1));
    if (held.length < 2048) setImmediate(more);
  };
  setImmediate(more);
}

/**
 * A third party's module that breaks what it is told to, in the way real code does: its start, its stop and its handler throw, it ends
 * a thread, blocks the event loop, or fills memory. FAULTS_START_THROWS: how often its start throws.
 */
export default (): ArkaliaModule => {
  let context: ModuleContext;
  let startThrows = Number(process.env.FAULTS_START_THROWS ?? 0);
  let stopThrows = false;
  let handlerThrows = false;
  let end = () => {};
  const faults = {
    ledger_writer: () => void thread(/\/ledger\/writer\.js/).terminate(),
    pool_thread: () => void thread(/piscina/).terminate(),
    handler: () => {
      handlerThrows = true;
      context.bus.publish('prompt.began', { engine: 'none' });
      context.bus.publish('prompt.ended', { engine: 'none', done: false });
    },
    stop: () => {
      stopThrows = true;
      faults.handler();
    },
    block: () => {
      setTimeout(() => {
        for (;;);
      }, 50);
    },
    hog,
  };
  const names = Object.keys(faults) as (keyof typeof faults)[];
  return {
    name: 'faults',
    version: '1.0.0',
    priority: 'optional',
    provision(given) {
      context = given;
    },
    validate() {},
    start() {
      if (startThrows > 0) {
        startThrows -= 1;
        throw new Error('start throws, as it was told to');
      }
      end = context.bus.subscribe('prompt.began', () => {
        if (!handlerThrows) return;
        handlerThrows = false;
        throw new Error('the handler throws, as it was told to');
      });
    },
    stop() {
      end();
      if (!stopThrows) return;
      stopThrows = false;
      throw new Error('stop throws, as it was told to');
    },
    health: () => ({ state: 'ok' }),
    routes: () => [
      defineRoute({
        method: 'POST',
        path: '/faults',
        role: 'user',
        scope: 'any',
        tag: 'test',
        summary: 'Breaks something',
        errors: 'problem',
        body: z.strictObject({ fault: z.enum(names as [keyof typeof faults]) }),
        responses: { 200: { description: 'Broken' } },
        handler: ({ body }) => {
          faults[body.fault]();
          return json({});
        },
      }),
    ],
  };
};
