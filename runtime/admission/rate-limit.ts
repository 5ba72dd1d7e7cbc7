import type { RateLimiter, RateVerdict } from '../contracts/admission.js';

export interface RateLimitOptions {
  /** Tokens that come back in `intervalMs`: 120 in 60,000 ms are two a second. */
  tokens: number;
  intervalMs: number;
  /** Tokens a bucket holds: what a client that was silent may take at once. */
  burst: number;
  /**
   * Clients remembered. Beyond it the one unseen for longest is forgotten, and starts with a full bucket when it
   * comes back: so the bound limits memory, and a client can only profit from it by being one of more than
   * `clientsMax` distinct ones since its last request.
   */
  clientsMax: number;
  /** Monotonic milliseconds. Read once a request; a clock that ticks in milliseconds is precise enough. */
  nowMs: () => number;
}

interface Bucket {
  /** When the bucket will be full again, in units of 1/tokens ms. */
  fullAt: number;
}

const accepted: RateVerdict = { ok: true };

/**
 * A token bucket for each client, as the generic cell rate algorithm (ITU-T I.371, virtual scheduling): one number a
 * client, no timers, O(1). Time is counted in units of 1/tokens ms, so that with whole milliseconds and
 * tokens × ms below 2^53 it is exact.
 * @throws RangeError when an option is not a whole number from 1.
 */
export function createRateLimiter(options: RateLimitOptions): RateLimiter {
  const { tokens, intervalMs, burst, clientsMax, nowMs } = options;
  for (const [name, value] of Object.entries({ tokens, intervalMs, burst, clientsMax })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number from 1, not ${value}`);
    }
  }
  /** In the order they were last seen, oldest first. */
  const buckets = new Map<string, Bucket>();
  /** The client seen last: it stands at the end of the map and needs no moving. */
  let latest: string | undefined;
  const ahead = (burst - 1) * intervalMs;

  return {
    take(client) {
      const now = nowMs() * tokens;
      const bucket = find(client, now);
      const fullAt = Math.max(bucket.fullAt, now);
      if (fullAt - now > ahead)
        return { ok: false, retryAfterMs: Math.ceil((fullAt - now - ahead) / tokens) };
      bucket.fullAt = fullAt + intervalMs;
      return accepted;
    },
  };

  function find(client: string, now: number): Bucket {
    const known = buckets.get(client);
    if (known !== undefined && client === latest) return known;
    const bucket = known ?? { fullAt: now };
    if (known !== undefined) buckets.delete(client);
    else if (buckets.size >= clientsMax) forgetOldest();
    buckets.set(client, bucket);
    latest = client;
    return bucket;
  }

  function forgetOldest(): void {
    const oldest = buckets.keys().next();
    if (oldest.done !== true) buckets.delete(oldest.value);
  }
}
