import type { RateLimiter, RateVerdict } from '../contracts/admission.js';

export interface RateLimitOptions {
  /** Steady rate; more than 0. */
  perSecond: number;
  /** Requests that may come at once; 1 or more. */
  burst: number;
  /** Clients remembered; beyond it the one unseen for longest is forgotten, which gives it a full bucket again. */
  clientsMax: number;
  /** Monotonic ms. */
  now: () => number;
}

const allowed: RateVerdict = { ok: true };

/**
 * A token bucket per client by the generic cell rate algorithm (ITU-T I.371): one number a client, the time at which its bucket would
 * be full again. O(1), no timers, bounded memory.
 */
export function createRateLimiter({ perSecond, burst, clientsMax, now }: RateLimitOptions): RateLimiter {
  if (!(perSecond > 0)) throw new RangeError(`perSecond must be more than 0, not ${perSecond}`);
  if (!(burst >= 1)) throw new RangeError(`burst must be at least 1, not ${burst}`);
  if (!(clientsMax >= 1)) throw new RangeError(`clientsMax must be at least 1, not ${clientsMax}`);
  const intervalMs = 1000 / perSecond;
  const toleranceMs = (burst - 1) * intervalMs;
  const fullAt = new Map<string, { ms: number }>();
  let last: string | undefined;
  return {
    take(client) {
      const nowMs = now();
      let entry = fullAt.get(client);
      if (entry === undefined) {
        entry = { ms: nowMs };
        fullAt.set(client, entry);
        if (fullAt.size > clientsMax) fullAt.delete(fullAt.keys().next().value!);
      } else if (client !== last) {
        // Taken out and put back, so that the map's order is the order of last use.
        fullAt.delete(client);
        fullAt.set(client, entry);
      }
      last = client;
      const theoreticalMs = Math.max(entry.ms, nowMs);
      const tooEarlyMs = theoreticalMs - toleranceMs - nowMs;
      if (tooEarlyMs > 0) return { ok: false, retryAfterMs: tooEarlyMs };
      entry.ms = theoreticalMs + intervalMs;
      return allowed;
    },
  };
}
