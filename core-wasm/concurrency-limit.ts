import type { Constants, CoreFunctions } from './exports.js';

export interface ConcurrencyOptions {
  /** Bounds of the limit, whole numbers, 1 to 1000, and where it begins. */
  min: number;
  max: number;
  initial: number;
  /** Calls that may wait in the engine's own queue, 0.1 to 100: what the limit grows by while there is no sign of waiting. Default 0.5. */
  queue: number;
  /** How many times the long-term RTT a call may take before it counts as a sign of waiting, 1 to 100. Default 1.2. */
  tolerance: number;
  /** Weight of the newest estimate, 0.01 to 1. Default 0.2. */
  smoothing: number;
  /** Samples in the long-term RTT, a whole number, 1 to 1,000,000. Default 600. */
  window: number;
}

/**
 * `queue` is smaller than the library's 4, which suits services with limits of 20 and more; an engine may have one slot. `tolerance`
 * is between its first 1 and its later 1.5: with 1.5 a limit that is always used up drifts to several times the slots there are.
 */
const defaults = { queue: 0.5, tolerance: 1.2, smoothing: 0.2, window: 600 };
const UNITS = 4096;

/** A limit of calls in flight that follows their RTT, in the shared memory. Any number of threads may sample. */
export class ConcurrencyLimit {
  readonly index: number;
  /** Upper bound of the limit. */
  readonly max: number;
  readonly #functions: CoreFunctions;
  readonly #timeMaxMs: number;

  /** Made by {@link ConcurrencyLimits}. */
  constructor(index: number, max: number, at: Constants, functions: CoreFunctions) {
    this.index = index;
    this.max = max;
    this.#functions = functions;
    this.#timeMaxMs = at.TIME_MAX_MS;
  }

  /** Calls that may be in flight now: a whole number. */
  now(): number {
    return Math.floor(this.exact());
  }

  /** The same with its fraction. */
  exact(): number {
    return this.#functions.limitNow(this.index) / UNITS;
  }

  /**
   * Takes in how a call went: its RTT, the calls in flight when it began (itself included), and whether it was dropped: refused or given
   * up because the engine had too much to do. A call that failed for another reason is not sampled.
   */
  sample(rttMs: number, inFlight: number, dropped: boolean): void {
    if (!(rttMs >= 0 && rttMs < this.#timeMaxMs)) {
      throw new RangeError(`an RTT must be from 0 to below ${this.#timeMaxMs} ms, not ${rttMs}`);
    }
    if (!(Number.isInteger(inFlight) && inFlight >= 1 && inFlight <= 0x7fffffff)) {
      throw new RangeError(`calls in flight must be a whole number from 1, not ${inFlight}`);
    }
    this.#functions.limitSample(this.index, rttMs, inFlight, dropped ? 1 : 0);
  }

  /** The long-term RTT in ms, 0 before the first sample; calls sampled and not dropped; calls dropped. */
  figures(): { longRttMs: number; samples: number; dropped: number } {
    const { limitLongRtt, limitCounter } = this.#functions;
    return {
      longRttMs: limitLongRtt(this.index),
      samples: limitCounter(this.index, 0),
      dropped: limitCounter(this.index, 1),
    };
  }
}

/** The concurrency limits of the shared memory. */
export class ConcurrencyLimits {
  /** How many there can be. */
  readonly limits: number;
  readonly #memory: SharedArrayBuffer;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;

  constructor(memory: SharedArrayBuffer, at: Constants, functions: CoreFunctions) {
    this.#memory = memory;
    this.#at = at;
    this.#functions = functions;
    this.limits = at.LIMIT_COUNT;
  }

  /** A new limit for as long as the memory lives. Throws a RangeError for options out of bounds or when all are taken. */
  take(
    options: Pick<ConcurrencyOptions, 'min' | 'max' | 'initial'> & Partial<ConcurrencyOptions>,
  ): ConcurrencyLimit {
    const all = { ...defaults, ...options };
    checkOptions(all, this.#at);
    const index = this.#functions.limitTake();
    if (index < 0) throw new RangeError(`all ${this.limits} concurrency limits of the core are taken`);
    const { min, max, initial, queue, tolerance, smoothing, window } = all;
    this.#functions.limitConfigure(index, min, max, initial, queue, tolerance, smoothing, window);
    return new ConcurrencyLimit(index, max, this.#at, this.#functions);
  }

  /** The limit that some thread has taken. Throws a RangeError when none has. */
  at(index: number): ConcurrencyLimit {
    const { LIMIT_FIRST, LIMIT_BYTES, LIMIT_READY, LIMIT_MOST } = this.#at;
    const fits = Number.isInteger(index) && index >= 0 && index < this.limits;
    const slot = LIMIT_FIRST + index * LIMIT_BYTES;
    if (!fits || Atomics.load(new Int32Array(this.#memory), (slot + LIMIT_READY) >> 2) !== 1) {
      throw new RangeError(`there is no concurrency limit ${index}`);
    }
    const max = new DataView(this.#memory).getFloat64(slot + LIMIT_MOST, true);
    return new ConcurrencyLimit(index, max, this.#at, this.#functions);
  }
}

function checkOptions(options: ConcurrencyOptions, at: Constants): void {
  const check = (name: keyof ConcurrencyOptions, min: number, max: number, whole: boolean) => {
    const value = options[name];
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return;
    throw new RangeError(
      `${name} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not ${value}`,
    );
  };
  check('max', 1, at.LIMIT_MAX, true);
  check('min', 1, options.max, true);
  check('initial', options.min, options.max, true);
  check('queue', 0.1, at.LIMIT_QUEUE_MAX, false);
  check('tolerance', 1, 100, false);
  check('smoothing', 0.01, 1, false);
  check('window', 1, at.LIMIT_WINDOW_MAX, true);
}
