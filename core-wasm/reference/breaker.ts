import type { CheckedOptions } from '../breaker-options.js';
import type { SavedBreaker, StartFacts } from '../breaker-saved.js';
import type {
  BreakerCause,
  BreakerOutcome,
  BreakerRecorded,
  BreakerState,
  BreakerTransition,
  BreakerWindow,
} from '../breaker-types.js';
import { CountReference, type ReferenceWindow, TimeReference } from './breaker-window.js';

const roundsMax = 256;
const transitionsMax = 8_388_608;
const stepMax = 31;

/**
 * The breaker in plain TypeScript, for one thread: the slow twin that property tests hold against the hot core. Its numbers
 * are the same to the bit: times are cut to 1/64 ms as there.
 */
export class ReferenceBreaker {
  readonly transitions: BreakerTransition[] = [];
  readonly counters = { successes: 0, slow: 0, failures: 0, ignored: 0, late: 0, refused: 0, openings: 0 };
  state: BreakerState = 'closed';
  readonly #options: CheckedOptions;
  #round = 0;
  /** When the present permits began, and until when it is open, in ticks. */
  #began = 0;
  #until = 0;
  #step = 0;
  #probes = 0;
  #successes = 0;
  #window: ReferenceWindow;
  /** The last window that counted anything. */
  #shown: ReferenceWindow;

  constructor(options: CheckedOptions, restore?: { facts: StartFacts; nowMs: number }) {
    this.#options = options;
    this.#window = this.#newWindow();
    this.#shown = this.#window;
    if (restore === undefined) return;
    const { facts, nowMs } = restore;
    this.state = facts.state;
    this.#step = facts.step;
    this.#began = ticks(nowMs);
    this.#until = this.#began + ticks(facts.openMs);
    const window = this.#newWindow();
    window.restore(facts.window, this.#began);
    this.#window = window;
    this.#shown = window;
  }

  acquire(nowMs: number): number {
    const now = ticks(nowMs);
    const { halfOpenMs, halfOpenPermits, openMs, openMsMax } = this.#options;
    if (this.state === 'forced_open') return this.#refuse(ticks(openMs));
    if (this.state === 'open') {
      if (now < this.#until) return this.#refuse(Math.min(this.#until - now, ticks(openMsMax)));
      this.#move('half_open', 'open_time_over', this.#step, now);
      this.#probes = 1;
      return this.#permit();
    }
    if (this.state !== 'half_open') return this.#permit();
    const passed = Math.max(0, now - this.#began);
    if (this.#probes === 0) {
      this.#round = (this.#round + 1) % roundsMax;
      this.#began = now;
      this.#probes = 1;
      return this.#permit();
    }
    if (passed >= ticks(halfOpenMs)) {
      this.#reopen('probe_lost', now);
      return this.acquire(nowMs);
    }
    if (this.#probes === halfOpenPermits)
      return this.#refuse(Math.min(ticks(halfOpenMs) - passed, ticks(openMs)));
    this.#probes++;
    return this.#permit();
  }

  record(permit: number, outcome: BreakerOutcome, nowMs: number, durationMs: number): BreakerRecorded {
    const slow = outcome !== 'ignored' && durationMs >= this.#options.slowMs;
    const late = permit !== this.#permit() || this.state === 'open' || this.state === 'forced_open';
    const result = late ? 'late' : this.#record(outcome, slow, ticks(nowMs));
    if (result === 'late') this.counters.late++;
    else if (outcome === 'ignored') this.counters.ignored++;
    else if (outcome === 'failure') this.counters.failures++;
    else this.counters[slow ? 'slow' : 'successes']++;
    return result;
  }

  force(state: 'forced_open' | 'disabled' | 'metrics_only', nowMs: number): boolean {
    if (this.state === state) return false;
    this.#move(state, 'forced', 0, ticks(nowMs));
    return true;
  }

  reset(nowMs: number): void {
    this.#move('closed', 'reset', 0, ticks(nowMs));
  }

  window(nowMs: number): BreakerWindow {
    return this.#runs() ? this.#window.at(ticks(nowMs)) : this.#shown.at();
  }

  retryAfterMs(nowMs: number): number {
    if (this.state !== 'open') return 0;
    const left = Math.min(this.#until - ticks(nowMs), ticks(this.#options.openMsMax));
    return Math.max(0, left) / 64;
  }

  step(nowMs: number): number {
    return this.state === 'closed' ? this.#shrunk(ticks(nowMs)) : this.#step;
  }

  save(nowMs: number): SavedBreaker {
    const { state } = this;
    return { state, step: this.step(nowMs), openMs: this.retryAfterMs(nowMs), window: this.window(nowMs) };
  }

  #record(outcome: BreakerOutcome, slow: boolean, now: number): BreakerRecorded {
    if (this.state === 'half_open') return this.#recordProbe(outcome, slow, now);
    if (outcome === 'ignored' || this.state === 'disabled') return 'counted';
    const failed = outcome === 'failure';
    this.#window.push(failed, slow, now);
    this.#shown = this.#window;
    if (this.state === 'metrics_only' || !(failed || slow)) return 'counted';
    const { callsMin, failureRate, slowRate } = this.#options;
    const { calls, failures, slow: slowCalls } = this.#window.pushed();
    if (calls < callsMin) return 'counted';
    if (failures > 0 && failures >= failureRate * calls) return this.#open('failure_rate', now);
    if (slowCalls > 0 && slowCalls >= slowRate * calls) return this.#open('slow_rate', now);
    return 'counted';
  }

  #recordProbe(outcome: BreakerOutcome, slow: boolean, now: number): BreakerRecorded {
    const { halfOpenMs, halfOpenSuccesses } = this.#options;
    if (this.#probes === 0) return 'late';
    if (Math.max(0, now - this.#began) >= ticks(halfOpenMs)) {
      this.#reopen('probe_lost', now);
      return 'late';
    }
    if (outcome === 'failure') return this.#reopen('probe_failed', now);
    if (slow) return this.#reopen('probe_slow', now);
    this.#probes--;
    if (outcome === 'success') this.#successes++;
    if (this.#successes < halfOpenSuccesses) return 'counted';
    return this.#move('closed', 'probes_succeeded', Math.min(stepMax, this.#step + 1), now);
  }

  #open(cause: BreakerCause, now: number): BreakerRecorded {
    return this.#move('open', cause, this.#shrunk(now), now);
  }

  #reopen(cause: BreakerCause, now: number): BreakerRecorded {
    return this.#move('open', cause, Math.min(stepMax, this.#step + 1), now);
  }

  #move(to: BreakerState, cause: BreakerCause, step: number, now: number): BreakerRecorded {
    this.transitions.push({ from: this.state, to, cause, timeMs: Math.floor(now / 64) });
    this.state = to;
    this.#step = step;
    this.#round = 0;
    this.#began = now;
    this.#probes = 0;
    this.#successes = 0;
    if (to === 'open') {
      this.counters.openings++;
      const { openJitter, seed } = this.#options;
      const share = openJitter * jitter(seed, this.transitions.length % transitionsMax);
      this.#until = now + Math.floor(this.#plain(step) * (1 - share));
    }
    this.#window = this.#newWindow();
    return 'moved';
  }

  /** Open time of a step in ticks, before jitter. */
  #plain(step: number): number {
    const { openMs, openMsMax, openGrowth } = this.#options;
    let time = ticks(openMs);
    for (let i = 0; i < step && time < ticks(openMsMax); i++) time *= openGrowth;
    return Math.min(time, ticks(openMsMax));
  }

  #shrunk(now: number): number {
    let left = Math.max(0, now - this.#began);
    let step = this.#step;
    for (; step > 0 && left >= this.#plain(step); step--) left -= this.#plain(step);
    return step;
  }

  #runs(): boolean {
    return this.state === 'closed' || this.state === 'metrics_only';
  }

  #newWindow(): CountReference | TimeReference {
    const { calls, buckets, bucketMs } = this.#options;
    return buckets > 0 ? new TimeReference(ticks(bucketMs), buckets) : new CountReference(calls);
  }

  #permit(): number {
    return (this.transitions.length % transitionsMax) * roundsMax + this.#round;
  }

  #refuse(left: number): number {
    this.counters.refused++;
    return -Math.max(1, left / 64);
  }
}

const ticks = (ms: number) => Math.floor(ms * 64);

/** MurmurHash3's 32-bit finaliser over seed + number × 0x9e3779b9, as a number in [0, 1). */
function jitter(seed: number, number: number): number {
  let hash = (seed + Math.imul(number, 0x9e3779b9)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}
