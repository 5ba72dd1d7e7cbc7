import { createHash } from 'node:crypto';

/** Prompts that are remembered; beyond them the one asked longest ago is forgotten. */
const REMEMBERED_MAX = 4096;
const WINDOW_MS = 60_000;

/**
 * Counts how often a client sends the same prompt: someone who tries an attack until it works sends it again and again. Remembers
 * digests only.
 */
export class Repeats {
  readonly #max: number;
  /** Oldest first. */
  readonly #seen = new Map<string, { fromMs: number; count: number }>();

  /** `max`: of one prompt in a minute; 0 for no limit. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Counts a prompt; the time to wait in ms when it came too often, else 0. */
  take(client: string, texts: readonly string[], nowMs: number): number {
    if (this.#max === 0) return 0;
    const hash = createHash('sha256').update(client);
    // Each with its length, so that no two lists of texts look alike.
    for (const text of texts) hash.update(`\0${text.length}\0`).update(text);
    const key = hash.digest('base64');
    const seen = this.#seen.get(key);
    const current =
      seen === undefined || nowMs - seen.fromMs >= WINDOW_MS ? { fromMs: nowMs, count: 0 } : seen;
    if (current.count >= this.#max) return current.fromMs + WINDOW_MS - nowMs;
    current.count++;
    this.#seen.delete(key);
    this.#seen.set(key, current);
    const oldest = this.#seen.keys().next();
    if (this.#seen.size > REMEMBERED_MAX && oldest.done !== true) this.#seen.delete(oldest.value);
    return 0;
  }
}
