import type { Constants } from './exports.js';

/** The window over the last outcomes. */
interface CountWindow {
  /** Outcomes in it, 1 to 1024. */
  calls: number;
}

/** The window over the last stretch of time: an outcome counts for at least (buckets - 1)/buckets of it and less than all of it. */
interface TimeWindow {
  ms: number;
  /** Equal parts, 1 to 60, of at least 5 ms each; cut to 1/64 ms. */
  buckets: number;
}

export interface BreakerOptions {
  window: CountWindow | TimeWindow;
  /** Outcomes that must be in the window before it may open: 1 to its calls, or 1 to 1,000,000 for a window by time. */
  callsMin: number;
  /** Share of failures, 0 to 1, from which it opens; at least one failure is always needed. */
  failureRate: number;
  /** Slow calls; without it there are none. */
  slow?: {
    /** A success or a failure that took so long or longer is slow. Above 0. */
    ms: number;
    /** Share of slow calls, 0 to 1, from which it opens; at least one is always needed. */
    rate: number;
  };
  /** First time it stays open before it lets a probe through. */
  openMs: number;
  /** Longest time it stays open, openMs or more. Default: openMs, so it does not grow. */
  openMsMax?: number;
  /** Factor from one opening to the next, 1 to 1000. Default 2. */
  openGrowth?: number;
  /** Share of the open time, 0 to 1, that jitter may take off. Default 0. */
  openJitter?: number;
  /** Seed of the jitter, a 32-bit integer. Default 0. */
  seed?: number;
  /** Probes out at once while half-open, 1 to 64. */
  halfOpenPermits: number;
  /** Successful probes after which it closes, 1 to 1000. Default: halfOpenPermits. */
  halfOpenSuccesses?: number;
  /** Time that probes may be out, without a moment in which none is, before it opens again. */
  halfOpenMs: number;
}

/** The options with every default in place and the window as the core takes it. */
export type CheckedOptions = ReturnType<typeof checkOptions>;

/** A year: far beyond use, far below the end of the clock. */
const timeMax = 31_536_000_000;
const callsMinMax = 1_000_000;

/** Fills in defaults. Throws a RangeError that names the bound and the value. */
export function checkOptions(options: BreakerOptions, at: Constants) {
  const { window, slow } = options;
  const byTime = 'ms' in window;
  const calls = byTime ? 1 : integer('window.calls', window.calls, at.WINDOW_CALLS_MAX);
  const buckets = byTime ? integer('window.buckets', window.buckets, at.BUCKETS_MAX) : 0;
  const bucketMs = byTime ? number('window.ms', window.ms, at.BUCKET_MS_MIN * buckets, timeMax) / buckets : 0;
  const openMs = number('openMs', options.openMs, 0, timeMax);
  const halfOpenPermits = integer('halfOpenPermits', options.halfOpenPermits, at.PERMITS_MAX);
  const seed = options.seed ?? 0;
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new RangeError(`seed must be an integer from 0 to ${0xffffffff}, not ${seed}`);
  }
  return {
    calls,
    buckets,
    bucketMs,
    callsMin: integer('callsMin', options.callsMin, byTime ? callsMinMax : calls),
    failureRate: number('failureRate', options.failureRate, 0, 1),
    slowMs: slow === undefined ? Number.POSITIVE_INFINITY : number('slow.ms', slow.ms, 1 / 64, timeMax),
    slowRate: slow === undefined ? 1 : number('slow.rate', slow.rate, 0, 1),
    openMs,
    openMsMax: number('openMsMax', options.openMsMax ?? openMs, openMs, timeMax),
    openGrowth: number('openGrowth', options.openGrowth ?? 2, 1, 1000),
    openJitter: number('openJitter', options.openJitter ?? 0, 0, 1),
    seed,
    halfOpenPermits,
    halfOpenSuccesses: integer(
      'halfOpenSuccesses',
      options.halfOpenSuccesses ?? halfOpenPermits,
      at.SUCCESSES_MAX,
    ),
    halfOpenMs: number('halfOpenMs', options.halfOpenMs, 0, timeMax),
  };
}

function integer(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new RangeError(`${name} must be an integer from 1 to ${max}, not ${value}`);
}

function number(name: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a number from ${min} to ${max}, not ${value}`);
}
