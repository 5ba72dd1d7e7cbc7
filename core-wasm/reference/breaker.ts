import type { BreakerCause, BreakerOptions, BreakerTransition } from '../breaker-slot.js';

type State = 'closed' | 'open' | 'half_open';

/**
 * The breaker in plain TypeScript, for one thread: the slow twin that property tests hold against the hot core. Its numbers
 * are the same to the bit: times are cut to 1/64 ms as there.
 */
export class ReferenceBreaker {
  readonly transitions: BreakerTransition[] = [];
  readonly counters = { successes: 0, failures: 0, ignored: 0, late: 0, refused: 0, openings: 0 };
  state: State = 'closed';
  readonly #options: BreakerOptions;
  #generation = 0;
  #began = 0;
  #probes = 0;
  #successes = 0;
  #outcomes: boolean[] = [];

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  acquire(nowMs: number): number {
    const now = ticks(nowMs);
    const { openMs, halfOpenMs, halfOpenPermits } = this.#options;
    const passed = Math.max(0, now - this.#began);
    if (this.state === 'closed') return this.#generation;
    if (this.state === 'half_open') {
      if (this.#probes === 0) {
        this.#generation++;
        this.#began = now;
        this.#probes = 1;
        return this.#generation;
      }
      if (passed < ticks(halfOpenMs)) {
        if (this.#probes + this.#successes >= halfOpenPermits) {
          return this.#refuse(Math.min(ticks(halfOpenMs) - passed, ticks(openMs)));
        }
        this.#probes++;
        return this.#generation;
      }
      this.#move('open', 'probe_lost', now);
      return this.acquire(nowMs);
    }
    if (passed < ticks(openMs)) return this.#refuse(ticks(openMs) - passed);
    this.#move('half_open', 'open_time_over', now);
    this.#probes = 1;
    return this.#generation;
  }

  record(permit: number, outcome: 'success' | 'failure' | 'ignored', nowMs: number): string {
    const result =
      permit !== this.#generation || this.state === 'open' ? 'late' : this.#record(outcome, ticks(nowMs));
    if (result === 'late') this.counters.late++;
    else if (outcome === 'ignored') this.counters.ignored++;
    else this.counters[outcome === 'success' ? 'successes' : 'failures']++;
    return result;
  }

  window(): { calls: number; failures: number } {
    return { calls: this.#outcomes.length, failures: this.#outcomes.filter((failed) => failed).length };
  }

  retryAfterMs(nowMs: number): number {
    if (this.state !== 'open') return 0;
    return Math.max(0, ticks(this.#options.openMs) - Math.max(0, ticks(nowMs) - this.#began)) / 64;
  }

  #record(outcome: 'success' | 'failure' | 'ignored', now: number): string {
    const { windowCalls, callsMin, failureRate, halfOpenMs, halfOpenPermits } = this.#options;
    if (this.state === 'half_open') {
      if (this.#probes === 0) return 'late';
      if (Math.max(0, now - this.#began) >= ticks(halfOpenMs)) {
        this.#move('open', 'probe_lost', now);
        return 'late';
      }
      if (outcome === 'failure') return this.#move('open', 'probe_failed', now);
      this.#probes--;
      if (outcome === 'success') this.#successes++;
      if (this.#successes < halfOpenPermits) return 'counted';
      return this.#move('closed', 'probes_succeeded', now);
    }
    if (outcome === 'ignored') return 'counted';
    this.#outcomes.push(outcome === 'failure');
    if (this.#outcomes.length > windowCalls) this.#outcomes.shift();
    const { calls, failures } = this.window();
    if (calls < callsMin || failures === 0 || failures < failureRate * calls) return 'counted';
    return this.#move('open', 'failure_rate', now);
  }

  #move(to: State, cause: BreakerCause, now: number): string {
    this.transitions.push({ from: this.state, to, cause });
    this.state = to;
    this.#generation++;
    this.#began = now;
    this.#probes = 0;
    this.#successes = 0;
    if (to === 'open') this.counters.openings++;
    if (to === 'closed') this.#outcomes = [];
    return 'moved';
  }

  #refuse(left: number): number {
    this.counters.refused++;
    return -Math.max(1, left / 64);
  }
}

const ticks = (ms: number) => Math.floor(ms * 64);
