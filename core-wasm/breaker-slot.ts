import { type BreakerOptions, checkOptions } from './breaker-options.js';
import { adaptSaved, type SavedBreaker } from './breaker-saved.js';
import {
  type BreakerCounters,
  type BreakerOutcome,
  type BreakerRecorded,
  type BreakerState,
  type BreakerTransition,
  type BreakerWindow,
  breakerCauses,
  breakerStates,
  outcomeCode,
} from './breaker-types.js';
import { CallEnd, type Judge } from './call-end.js';
import type { Constants, CoreFunctions } from './exports.js';

/**
 * One breaker in the shared memory. Any number of threads may hold one for the same slot. Times are monotonic ms of one clock, 0 to
 * 2^38. The core checks times, durations and permits: each method throws a RangeError that names the bound and the value.
 */
export class BreakerSlot {
  readonly index: number;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;
  readonly #acquire: CoreFunctions['breakerAcquire'];
  readonly #record: CoreFunctions['breakerRecord'];
  #callEnd: CallEnd | undefined = undefined;

  /** Made by {@link BreakerSlots}. */
  constructor(index: number, at: Constants, functions: CoreFunctions) {
    this.index = index;
    this.#at = at;
    this.#functions = functions;
    this.#acquire = functions.breakerAcquire;
    this.#record = functions.breakerRecord;
  }

  /** A permit (0 or more), or minus the milliseconds, at least 1, after which it is worth asking again. */
  acquire(nowMs: number): number {
    return this.#acquire(this.index, nowMs);
  }

  /**
   * Reports how the call behind a permit ended and how long it took. Once per permit; a permit of an earlier state changes nothing.
   * Without a duration the call is not slow.
   */
  record(permit: number, outcome: BreakerOutcome, nowMs: number, durationMs = 0): BreakerRecorded {
    const code = this.#record(this.index, permit, outcomeCode(outcome), durationMs, nowMs);
    return code === 1 ? 'counted' : code === 0 ? 'late' : 'moved';
  }

  /** For {@link throughBreaker}: how a call ends that has this permit, the same object as long as nothing of it changes. */
  callEnd(permit: number, beganMs: number, now: () => number, judge: Judge | undefined): CallEnd {
    const last = this.#callEnd;
    const fits = last !== undefined && last.beganMs === beganMs && last.permit === permit;
    if (fits && last.now === now && last.judge === judge) return last;
    const end = new CallEnd(this.index, this.#record, now, judge, permit, beganMs);
    this.#callEnd = end;
    return end;
  }

  /**
   * Sets a state that only a call ends: refuse everything, let everything pass without a window, or let everything pass with one.
   * False when it was in that state already.
   */
  force(state: 'forced_open' | 'disabled' | 'metrics_only', nowMs: number): boolean {
    return this.#functions.breakerForce(this.index, stateCode(state), nowMs) === 1;
  }

  /** Closed from whatever state, with an empty window and an open time that has not grown. */
  reset(nowMs: number): void {
    this.#functions.breakerForce(this.index, this.#at.STATE_CLOSED, nowMs);
  }

  /** The state as it is stored: an open time that is over shows at the next acquire. */
  state(): BreakerState {
    return breakerStates[this.#functions.breakerState(this.index) - 1]!;
  }

  /** The sliding window; while none runs, the last one as it stood at its newest outcome. */
  window(nowMs: number): BreakerWindow {
    const { WINDOW_CALLS, WINDOW_FAILURES, WINDOW_SLOW } = this.#at;
    const read = (part: number) => this.#functions.breakerWindow(this.index, part, nowMs);
    return { calls: read(WINDOW_CALLS), failures: read(WINDOW_FAILURES), slow: read(WINDOW_SLOW) };
  }

  /** Milliseconds until the next probe while open, else 0. */
  retryAfterMs(nowMs: number): number {
    return this.#functions.breakerRetryMs(this.index, nowMs);
  }

  /** How often the open time has grown, 0 to 31: that of the present opening, or while closed of the next one. */
  step(nowMs: number): number {
    return this.#functions.breakerStep(this.index, nowMs);
  }

  counters(): BreakerCounters {
    const at = this.#at;
    const read = (counter: number) => this.#functions.breakerCounter(this.index, counter);
    return {
      successes: read(at.COUNTER_SUCCESSES),
      slow: read(at.COUNTER_SLOW),
      failures: read(at.COUNTER_FAILURES),
      ignored: read(at.COUNTER_IGNORED),
      late: read(at.COUNTER_LATE),
      refused: read(at.COUNTER_REFUSED),
      openings: read(at.COUNTER_OPENINGS),
    };
  }

  /** What to keep over a restart; see {@link BreakerSlots.take}. Taken between two transitions, unless they never stop. */
  save(nowMs: number): SavedBreaker {
    let saved: SavedBreaker;
    let tries = 0;
    let transition: number;
    do {
      transition = this.transition();
      saved = {
        state: this.state(),
        step: this.step(nowMs),
        openMs: this.retryAfterMs(nowMs),
        window: this.window(nowMs),
      };
    } while (transition !== this.transition() && ++tries < 100);
    const { calls, failures, slow } = saved.window;
    // The three are read one after the other, while other threads may count.
    saved.window.failures = Math.min(failures, calls);
    saved.window.slow = Math.min(slow, calls);
    return saved;
  }

  /** Number of the latest transition: 0 before the first, and again after 8,388,608. One atomic read. */
  transition(): number {
    return this.#functions.breakerTransition(this.index);
  }

  /** The number after `transition`. */
  transitionAfter(transition: number): number {
    return transition === this.#at.TRANSITION_MAX ? 0 : transition + 1;
  }

  /** One of the last 64 transitions by its number; undefined when it is older, or has not happened. */
  transitionAt(transition: number, nowMs: number): BreakerTransition | undefined {
    if (!(Number.isInteger(transition) && transition >= 0 && transition <= this.#at.TRANSITION_MAX)) {
      throw new RangeError(
        `a transition must be an integer from 0 to ${this.#at.TRANSITION_MAX}, not ${transition}`,
      );
    }
    const packed = this.#functions.breakerTransitionAt(this.index, transition, nowMs);
    const facts = packed % 2048;
    const cause = breakerCauses[(facts & 31) - 1];
    if (packed < 0 || cause === undefined) return undefined;
    return {
      from: breakerStates[((facts >> 5) & 7) - 1]!,
      to: breakerStates[(facts >> 8) - 1]!,
      cause,
      timeMs: Math.floor(packed / 2048),
    };
  }
}

function stateCode(state: BreakerState): number {
  return breakerStates.indexOf(state) + 1;
}

/** The breaker slots of the shared memory. */
export class BreakerSlots {
  /** How many breakers there can be. */
  readonly slots: number;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;

  constructor(at: Constants, functions: CoreFunctions) {
    checkCodes(at);
    this.#at = at;
    this.#functions = functions;
    this.slots = at.SLOT_COUNT;
  }

  /**
   * A new breaker in a slot of its own for as long as the memory lives: closed, or as it was saved, adapted to the options.
   * Throws a RangeError for options out of bounds, for what no breaker can have saved, or when all slots are taken.
   */
  take(options: BreakerOptions, restore?: { saved: SavedBreaker; nowMs: number }): BreakerSlot {
    const functions = this.#functions;
    const checked = checkOptions(options, this.#at);
    const facts = restore === undefined ? fresh : adaptSaved(restore.saved, checked, this.#at);
    const index = functions.breakerTake();
    if (index < 0)
      throw new RangeError(
        `all ${this.slots} breaker slots of the core are taken; the limit is ${this.slots}`,
      );
    functions.breakerConfigureWindow(
      index,
      checked.calls,
      checked.buckets,
      checked.bucketMs,
      checked.callsMin,
      checked.failureRate,
      checked.slowRate,
      checked.slowMs,
    );
    functions.breakerConfigureOpen(
      index,
      checked.openMs,
      checked.openMsMax,
      checked.openGrowth,
      checked.openJitter,
      checked.seed,
      checked.halfOpenPermits,
      checked.halfOpenSuccesses,
      checked.halfOpenMs,
    );
    const { state, step, openMs, window } = facts;
    functions.breakerStart(
      index,
      stateCode(state),
      step,
      openMs,
      window.calls,
      window.failures,
      window.slow,
      restore?.nowMs ?? 0,
    );
    return new BreakerSlot(index, this.#at, functions);
  }

  /** The breaker in a slot that some thread has taken. Throws a RangeError when none has. */
  at(index: number): BreakerSlot {
    const fits = Number.isInteger(index) && index >= 0 && index < this.slots;
    if (!fits || this.#functions.breakerState(index) === this.#at.STATE_NONE) {
      throw new RangeError(`there is no breaker in slot ${index}`);
    }
    return new BreakerSlot(index, this.#at, this.#functions);
  }
}

const fresh: SavedBreaker = {
  state: 'closed',
  step: 0,
  openMs: 0,
  window: { calls: 0, failures: 0, slow: 0 },
};

/** The hot path uses the codes of outcomes and records as they are, and names stand in the order of their codes. */
function checkCodes(at: Constants): void {
  const codes = [at.OUTCOME_SUCCESS, at.OUTCOME_FAILURE, at.OUTCOME_IGNORED];
  const records = [at.RECORD_WAS_LATE, at.RECORD_COUNTED, at.RECORD_MOVED];
  const states = [at.STATE_CLOSED, at.STATE_OPEN, at.STATE_HALF_OPEN];
  const forced = [at.STATE_FORCED_OPEN, at.STATE_DISABLED, at.STATE_METRICS_ONLY];
  const rates = [at.CAUSE_FAILURE_RATE, at.CAUSE_SLOW_RATE, at.CAUSE_OPEN_TIME_OVER];
  const probes = [at.CAUSE_PROBE_FAILED, at.CAUSE_PROBE_SLOW, at.CAUSE_PROBE_LOST, at.CAUSE_PROBES_SUCCEEDED];
  const calls = [at.CAUSE_FORCED, at.CAUSE_RESET];
  const seen = `${codes}/${records}/${[...states, ...forced]}/${[...rates, ...probes, ...calls]}`;
  if (seen !== '0,1,2/0,1,2/1,2,3,4,5,6/1,2,3,4,5,6,7,8,9') {
    throw new Error(`core.wasm counts the codes of a breaker otherwise: ${seen}`);
  }
}
