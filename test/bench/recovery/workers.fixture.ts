import { createRequire, syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded before the server (`node --import`): remembers the threads that it starts, so that the module of faults.fixture.ts can end
 * one. Nothing in the appliance knows of it.
 */
if (isMainThread) {
  const threads = createRequire(import.meta.url)(
    'node:worker_threads',
  ) as typeof import('node:worker_threads');
  const known = new Map<string, InstanceType<typeof threads.Worker>>();
  class RememberedWorker extends threads.Worker {
    constructor(...[file, options]: ConstructorParameters<typeof threads.Worker>) {
      super(file, options);
      known.set(String(file), this);
    }
  }
  threads.Worker = RememberedWorker;
  syncBuiltinESMExports();
  Object.assign(globalThis, { rememberedWorkers: known });
}
