import type { Watched } from './beats.js';

/** How often it looks. */
export const lookMs = 500;
/** A look that comes so late: we ourselves stood still (a stopped process, a sleeping machine), and nobody else is blamed for that time. */
const lateMs = 4 * lookMs;
/** While the HTTP thread has been silent for so long, nothing that it passes on is missed. */
const httpLateMs = 2000;

export interface Verdict {
  part: Watched['part'];
  pid: number;
  silentMs: number;
}

export interface Judgement {
  /** Silent for half of what they may be, told once. */
  late: Verdict[];
  /** Silent for longer than they may be, told once. */
  stuck: Verdict[];
  /** Heard again after they were told of. */
  back: Verdict[];
  /** Whether none of our own threads is stuck. */
  healthy: boolean;
}

interface Known {
  verdict: 'late' | 'stuck';
  pid: number;
}

/**
 * Says who has been silent for too long. Beats of sandboxes arrive through the HTTP thread: they are missed only while that one is heard,
 * and have their whole time again after it was silent. Keeps no clock of its own.
 */
export class Judge {
  readonly #known = new Map<number, Known>();
  /** Before this no silence counts, for anyone, and for what goes through the HTTP thread. */
  #sinceMs: number | undefined;
  #passedSinceMs: number | undefined;
  #lookedMs = 0;

  look(nowMs: number, watched: readonly Watched[]): Judgement {
    if (this.#sinceMs === undefined || age(nowMs, this.#lookedMs) > lateMs) this.#sinceMs = nowMs;
    this.#lookedMs = nowMs;
    this.#passedSinceMs ??= nowMs;
    const since = this.#sinceMs;
    const silent = ({ ageMs }: Watched) => Math.min(ageMs, age(nowMs, since));
    const http = watched.find(({ part }) => part === 'http');
    if (http !== undefined && silent(http) > httpLateMs) this.#passedSinceMs = nowMs;
    const passedSince = this.#passedSinceMs;
    const judgement: Judgement = { late: [], stuck: [], back: [], healthy: true };
    const seen = new Set<number>();
    for (const one of watched) {
      seen.add(one.slot);
      const passed = one.part === 'sandbox' || one.part === 'pool';
      const silentMs = passed ? Math.min(silent(one), age(nowMs, passedSince)) : silent(one);
      this.#judge(one, silentMs, judgement);
    }
    for (const slot of this.#known.keys()) if (!seen.has(slot)) this.#known.delete(slot);
    return judgement;
  }

  #judge({ slot, part, pid, silentMsMax }: Watched, silentMs: number, judgement: Judgement): void {
    const verdict = { part, pid, silentMs };
    const known = this.#known.get(slot);
    const before = known?.pid === pid ? known.verdict : undefined;
    if (silentMs > silentMsMax) {
      if (before !== 'stuck') judgement.stuck.push(verdict);
      this.#known.set(slot, { verdict: 'stuck', pid });
      if (part !== 'sandbox') judgement.healthy = false;
    } else if (silentMs > silentMsMax / 2) {
      if (before === undefined) judgement.late.push(verdict);
      this.#known.set(slot, { verdict: before ?? 'late', pid });
      if (before === 'stuck' && part !== 'sandbox') judgement.healthy = false;
    } else if (before !== undefined) {
      judgement.back.push(verdict);
      this.#known.delete(slot);
    }
  }
}

/** Of times modulo 2³². */
const age = (nowMs: number, thenMs: number) => (nowMs - thenMs) | 0;
