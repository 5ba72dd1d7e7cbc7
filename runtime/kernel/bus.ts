import type { Bus, BusEvents } from '../contracts/bus.js';

type Handler = (payload: never) => void;

/**
 * The typed event bus: synchronous, in order of subscription. A subscriber that throws is handed to `onError` and stops no other.
 */
export function createBus(onError: (name: string, error: unknown) => void): Bus {
  const handlers = new Map<keyof BusEvents, Set<Handler>>();
  return {
    publish(name, payload) {
      for (const handler of [...(handlers.get(name) ?? [])]) {
        try {
          handler(payload as never);
        } catch (error) {
          onError(name, error);
        }
      }
    },
    subscribe(name, handler) {
      const set = handlers.get(name) ?? new Set();
      handlers.set(name, set);
      set.add(handler as Handler);
      return () => {
        set.delete(handler as Handler);
      };
    },
  };
}
