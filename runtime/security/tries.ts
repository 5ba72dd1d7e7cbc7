import type { Clock } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';

const WINDOW_MS = 15 * 60_000;
/** Wrong passwords that one client may send, and that may be tried for one user from anywhere, in that time. */
const clientTriesMax = 5;
const userTriesMax = 50;
/** Clients that are remembered; beyond it the oldest is forgotten. */
const clientsMax = 10_000;
/** Passwords that are hashed at once: each takes 32 MiB. */
const atOnceMax = 2;

interface Tries {
  count: number;
  untilMs: number;
}

/**
 * Bounds how fast passwords can be guessed: by client, and by user for guesses from many addresses. A try counts before it is judged, so
 * that many at once are no more than one after the other. In monotonic time; a restart begins anew.
 */
export class PasswordTries {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #clients = new Map<string, Tries>();
  readonly #users = new Map<string, Tries>();
  #running = 0;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * Judges one try.
   * @param user Undefined when there is none of that name: nothing is to be remembered of it.
   * @throws AppError `rate_limited`; the password is not looked at then.
   */
  async judge(client: string, user: string | undefined, isRight: () => Promise<boolean>): Promise<boolean> {
    const clientKey = networkOf(client);
    const mine = this.#tries(this.#clients, clientKey, clientTriesMax);
    const theirs = user === undefined ? undefined : this.#tries(this.#users, user, userTriesMax);
    if (this.#running >= atOnceMax) {
      throw new AppError('rate_limited', 'Others are signing in; try again.', { retryAfterMs: 1000 });
    }
    mine.count += 1;
    if (theirs !== undefined) theirs.count += 1;
    this.#running += 1;
    try {
      const right = await isRight();
      if (right) {
        this.#clients.delete(clientKey);
        if (theirs !== undefined) theirs.count -= 1;
      }
      return right;
    } finally {
      this.#running -= 1;
    }
  }

  #tries(all: Map<string, Tries>, key: string, max: number): Tries {
    const nowMs = this.#clock.monotonicMs();
    const known = all.get(key);
    if (known !== undefined && nowMs < known.untilMs) {
      if (known.count < max) return known;
      throw new AppError('rate_limited', 'Too many wrong passwords.', {
        retryAfterMs: known.untilMs - nowMs,
      });
    }
    const fresh = { count: 0, untilMs: nowMs + WINDOW_MS };
    all.delete(key);
    all.set(key, fresh);
    if (all.size > clientsMax) all.delete(all.keys().next().value!);
    return fresh;
  }
}

/** Who has one IPv6 address has 2^64: the first half of it counts. */
function networkOf(client: string): string {
  const address = client.replace(/^address:/, '');
  if (!address.includes(':') || address.startsWith('::ffff:')) return client;
  return address.split('::')[0]!.split(':').slice(0, 4).join(':');
}
