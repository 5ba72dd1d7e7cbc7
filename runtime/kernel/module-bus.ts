import type { Bus } from '../contracts/bus.js';

/** What the kernel knows of the subscriptions of one module. */
export interface ModuleBus {
  bus: Bus;
  /** Subscriptions that were not ended. */
  count(): number;
  /** From now on no handler is called. */
  mute(): void;
}

/**
 * The bus as one module gets it: a handler that throws, or whose promise rejects, is put down to the module. The bus reports the throw as
 * before.
 */
export function createModuleBus(bus: Bus, onFault: (event: string, error: unknown) => void): ModuleBus {
  let count = 0;
  let isMuted = false;
  return {
    count: () => count,
    mute: () => {
      isMuted = true;
    },
    bus: {
      publish: (name, payload) => bus.publish(name, payload),
      subscribe: (name, handler) => {
        const end = bus.subscribe(name, (payload) => {
          if (isMuted) return;
          try {
            const done: unknown = handler(payload);
            if (done instanceof Promise) done.catch((error: unknown) => onFault(name, error));
          } catch (error) {
            onFault(name, error);
            throw error;
          }
        });
        count += 1;
        let ended = false;
        return () => {
          if (!ended) count -= 1;
          ended = true;
          end();
        };
      },
    },
  };
}
