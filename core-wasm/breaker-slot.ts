import type { Constants, CoreFunctions } from './exports.js';

const breakerStates = ['closed', 'open', 'half_open'] as const;
type BreakerState = (typeof breakerStates)[number];
type BreakerOutcome = 'success' | 'failure' | 'ignored';
export type BreakerCause =
  | 'failure_rate'
  | 'open_time_over'
  | 'probe_failed'
  | 'probe_lost'
  | 'probes_succeeded';

export interface BreakerOptions {
  /** Outcomes in the sliding window, 1 to 1024. */
  windowCalls: number;
  /** Outcomes that must be in the window before it may open, 1 to windowCalls. */
  callsMin: number;
  /** Share of failures, 0 to 1, from which it opens; at least one failure is always needed. */
  failureRate: number;
  /** Time it stays open before it lets a probe through. */
  openMs: number;
  /** Probes out at once while half-open, 1 to 64; it closes after as many successes. */
  halfOpenPermits: number;
  /** A probe that has not answered by then counts as failed. */
  halfOpenMs: number;
}

export interface BreakerTransition {
  from: BreakerState;
  to: BreakerState;
  cause: BreakerCause;
}

export interface BreakerCounters {
  successes: number;
  failures: number;
  ignored: number;
  /** Reports of permits whose time was over; they changed nothing else. */
  late: number;
  refused: number;
  openings: number;
}

/** What `record` did: nothing but count it as late, count the outcome, or count it and make a transition. */
export type BreakerRecorded = 'late' | 'counted' | 'moved';

/** One breaker in the shared memory. Any number of threads may hold one for the same slot. Times are monotonic ms of one clock. */
export class BreakerSlot {
  readonly index: number;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;
  readonly #timeMaxMs: number;

  /** Made by {@link BreakerSlots}. */
  constructor(index: number, at: Constants, functions: CoreFunctions) {
    this.index = index;
    this.#at = at;
    this.#functions = functions;
    this.#timeMaxMs = at.TIME_MAX_MS;
  }

  /** A permit (0 or more), or minus the milliseconds, at least 1, after which it is worth asking again. */
  acquire(nowMs: number): number {
    return this.#functions.breakerAcquire(this.index, this.#time(nowMs));
  }

  /** Reports how the call behind a permit ended. Once per permit; a permit of an earlier generation changes nothing. */
  record(permit: number, outcome: BreakerOutcome, nowMs: number): BreakerRecorded {
    const at = this.#at;
    if (!(Number.isInteger(permit) && permit >= 0 && permit <= at.PERMIT_MAX)) {
      throw new RangeError(`a permit must be an integer from 0 to ${at.PERMIT_MAX}, not ${permit}`);
    }
    const code = this.#functions.breakerRecord(this.index, permit, this.#outcome(outcome), this.#time(nowMs));
    return code === at.RECORD_COUNTED ? 'counted' : code === at.RECORD_MOVED ? 'moved' : 'late';
  }

  /** The state as it is stored: an open time that is over shows at the next acquire. */
  state(): BreakerState {
    return breakerStates[this.#functions.breakerState(this.index)]!;
  }

  /** The sliding window; while not closed, the window that opened it. */
  window(): { calls: number; failures: number } {
    return {
      calls: this.#functions.breakerCalls(this.index),
      failures: this.#functions.breakerFailures(this.index),
    };
  }

  /** Milliseconds until the next probe while open, else 0. */
  retryAfterMs(nowMs: number): number {
    return this.#functions.breakerRetryMs(this.index, this.#time(nowMs));
  }

  counters(): BreakerCounters {
    const at = this.#at;
    const read = (counter: number) => this.#functions.breakerCounter(this.index, counter);
    return {
      successes: read(at.COUNTER_SUCCESSES),
      failures: read(at.COUNTER_FAILURES),
      ignored: read(at.COUNTER_IGNORED),
      late: read(at.COUNTER_LATE),
      refused: read(at.COUNTER_REFUSED),
      openings: read(at.COUNTER_OPENINGS),
    };
  }

  /** Number of the latest transition: 0 before the first, and again after 16,384. One atomic read. */
  transition(): number {
    return this.#functions.breakerTransition(this.index);
  }

  /** The number after `transition`. */
  transitionAfter(transition: number): number {
    return transition === this.#at.TRANSITION_MAX ? 0 : transition + 1;
  }

  /** One of the last 64 transitions by its number; undefined when it is older, or has not happened. */
  transitionAt(transition: number): BreakerTransition | undefined {
    if (!(Number.isInteger(transition) && transition >= 0 && transition <= this.#at.TRANSITION_MAX)) {
      throw new RangeError(
        `a transition must be an integer from 0 to ${this.#at.TRANSITION_MAX}, not ${transition}`,
      );
    }
    const packed = this.#functions.breakerTransitionAt(this.index, transition);
    const cause = packed < 0 ? undefined : this.#cause(packed >> 4);
    if (cause === undefined) return undefined;
    return { from: breakerStates[(packed >> 2) & 3]!, to: breakerStates[packed & 3]!, cause };
  }

  #outcome(outcome: BreakerOutcome): number {
    if (outcome === 'success') return this.#at.OUTCOME_SUCCESS;
    if (outcome === 'failure') return this.#at.OUTCOME_FAILURE;
    if (outcome === 'ignored') return this.#at.OUTCOME_IGNORED;
    throw new RangeError(`an outcome must be success, failure or ignored, not ${String(outcome)}`);
  }

  #cause(code: number): BreakerCause | undefined {
    const at = this.#at;
    if (code === at.CAUSE_FAILURE_RATE) return 'failure_rate';
    if (code === at.CAUSE_OPEN_TIME_OVER) return 'open_time_over';
    if (code === at.CAUSE_PROBE_FAILED) return 'probe_failed';
    if (code === at.CAUSE_PROBE_LOST) return 'probe_lost';
    return code === at.CAUSE_PROBES_SUCCEEDED ? 'probes_succeeded' : undefined;
  }

  #time(nowMs: number): number {
    if (nowMs >= 0 && nowMs < this.#timeMaxMs) return nowMs;
    throw new RangeError(`a time must be from 0 to below ${this.#timeMaxMs} ms, not ${nowMs}`);
  }
}

/** The breaker slots of the shared memory. */
export class BreakerSlots {
  /** How many breakers there can be. */
  readonly slots: number;
  readonly #memory: Int32Array<SharedArrayBuffer>;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;

  constructor(memory: SharedArrayBuffer, at: Constants, functions: CoreFunctions) {
    this.#memory = new Int32Array(memory);
    this.#at = at;
    this.#functions = functions;
    this.slots = at.SLOT_COUNT;
  }

  /** A new breaker, closed, in a slot of its own for as long as the memory lives. Throws a RangeError for options out of bounds or when all slots are taken. */
  take(options: BreakerOptions): BreakerSlot {
    checkOptions(options, this.#at);
    const index = this.#functions.breakerTake();
    if (index < 0)
      throw new RangeError(
        `all ${this.slots} breaker slots of the core are taken; the limit is ${this.slots}`,
      );
    const { windowCalls, callsMin, failureRate, openMs, halfOpenPermits, halfOpenMs } = options;
    this.#functions.breakerConfigure(
      index,
      windowCalls,
      callsMin,
      failureRate,
      openMs,
      halfOpenPermits,
      halfOpenMs,
    );
    return new BreakerSlot(index, this.#at, this.#functions);
  }

  /** The breaker in a slot that some thread has taken. Throws a RangeError when none has. */
  at(index: number): BreakerSlot {
    const { SLOTS, SLOT_BYTES, SLOT_READY } = this.#at;
    const fits = Number.isInteger(index) && index >= 0 && index < this.slots;
    if (!fits || Atomics.load(this.#memory, (SLOTS + index * SLOT_BYTES + SLOT_READY) >> 2) !== 1) {
      throw new RangeError(`there is no breaker in slot ${index}`);
    }
    return new BreakerSlot(index, this.#at, this.#functions);
  }
}

function checkOptions(options: BreakerOptions, at: Constants): void {
  const integer = (name: 'windowCalls' | 'callsMin' | 'halfOpenPermits', max: number) => {
    const value = options[name];
    if (Number.isInteger(value) && value >= 1 && value <= max) return;
    throw new RangeError(`${name} must be an integer from 1 to ${max}, not ${value}`);
  };
  const number = (name: 'failureRate' | 'openMs' | 'halfOpenMs', max: number) => {
    const value = options[name];
    if (value >= 0 && value <= max) return;
    throw new RangeError(`${name} must be a number from 0 to ${max}, not ${value}`);
  };
  integer('windowCalls', at.WINDOW_CALLS_MAX);
  integer('callsMin', options.windowCalls);
  integer('halfOpenPermits', at.PERMITS_MAX);
  number('failureRate', 1);
  // A year: far beyond use, far below the end of the clock.
  number('openMs', 31_536_000_000);
  number('halfOpenMs', 31_536_000_000);
}
