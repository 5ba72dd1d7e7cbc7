import type { Finding } from './checks/check.js';

/** The same contradiction is told again after this long at the earliest, also when it came and went meanwhile. */
const REPEAT_MS = 300_000;
/** Contradictions told in a window of this length, over all checks. */
const WINDOW_MS = 3_600_000;
const WINDOW_MAX = 60;

/**
 * Decides which contradictions are told: a new one at once, an unchanged one not again, a returning one at most every five minutes,
 * and at most 60 an hour over all. Its memory is bounded by the number of checks and faults.
 */
export class Reporter {
  readonly #current = new Map<string, string>();
  readonly #toldMs = new Map<string, number>();
  #window = { startMs: Number.NEGATIVE_INFINITY, count: 0 };

  /** Whether to tell it; remembers that it was told. */
  shouldTell(check: string, finding: Finding, nowMs: number): boolean {
    if (finding.level === 'ok' || finding.level === 'info') {
      this.#current.delete(check);
      return false;
    }
    const key = `${check} ${finding.level} ${finding.fault}`;
    if (this.#current.get(check) === key) return false;
    this.#current.set(check, key);
    if (nowMs - (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return false;
    if (nowMs - this.#window.startMs >= WINDOW_MS) this.#window = { startMs: nowMs, count: 0 };
    if (this.#window.count >= WINDOW_MAX) return false;
    this.#window.count += 1;
    this.#toldMs.set(key, nowMs);
    return true;
  }
}
