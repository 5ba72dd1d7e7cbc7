import type { Expectation } from './damped-trend.js';

export interface AccuracyOptions {
  /** Age of a forecast at which it is held against what came. */
  leadMs: number;
  /** An error that does not matter, in the units of the figure: the naive forecast is never taken for better than this. */
  errorMin: number;
}

interface Pending {
  madeMs: number;
  expected: Expectation;
  /** What was read when it was made: the naive forecast. */
  naive: number;
}

/** Forecasts that wait for their time, at most. */
const PENDING_MAX = 24;
/** Share of its time that a forecast must have had to be judged early. */
const SETTLED_FROM = 0.25;
/** A judgement weighs half as much after so many leads. */
const HALF_LIFE_LEADS = 3;
const MUTED_FROM = 1.15;
const GOOD_BELOW = 1;
/** Judgements before a forecaster is called good or bad. */
export const JUDGED_MIN = 12;

/**
 * Holds forecasts against what came: the mean absolute scaled error (Hyndman and Koehler, Another look at measures of forecast accuracy, International
 * Journal of Forecasting 22(4), 2006), scaled by the error of the naive forecast over the same lead: below 1 it is better than "it stays as it is".
 * Later judgements weigh more.
 */
export class Accuracy {
  readonly #options: AccuracyOptions;
  #pending: Pending[] = [];
  #errors = 0;
  #naiveErrors = 0;
  #weight = 0;
  #judgedMs: number | undefined;
  #judged = 0;
  /** Also set from outside, by what was known of it before. */
  muted = false;

  constructor(options: AccuracyOptions) {
    this.#options = options;
  }

  get judged(): number {
    return this.#judged;
  }

  get state(): 'learning' | 'good' | 'muted' {
    if (this.muted) return 'muted';
    return this.#judged < JUDGED_MIN ? 'learning' : 'good';
  }

  /** Null before the first judgement. */
  get mase(): number | null {
    if (this.#weight === 0) return null;
    const naive = Math.max(this.#naiveErrors / this.#weight, this.#options.errorMin);
    return this.#errors / this.#weight / naive;
  }

  /**
   * Something was done that changes the figure, so that what comes judges nobody: what waits is dropped. The oldest of it is judged by the last
   * reading before, if it has had a quarter of its time; else a forecaster whose alarms change things again and again were never judged.
   */
  settle(reading: number, nowMs: number): void {
    const [oldest] = this.#pending;
    this.#pending = [];
    if (oldest !== undefined && nowMs - oldest.madeMs >= this.#options.leadMs * SETTLED_FROM) {
      this.#judge(oldest, reading, nowMs);
    }
  }

  /** Keeps a forecast made now for its time. */
  promise(expected: Expectation, reading: number, nowMs: number): void {
    const last = this.#pending.at(-1);
    if (last !== undefined && nowMs - last.madeMs < this.#options.leadMs / PENDING_MAX) return;
    this.#pending.push({ madeMs: nowMs, expected, naive: reading });
    if (this.#pending.length > PENDING_MAX + 1) this.#pending.shift();
  }

  /** Judges by a reading what was forecast for now. */
  judge(reading: number, nowMs: number): void {
    const { leadMs } = this.#options;
    const due = this.#pending.filter(({ madeMs }) => nowMs - madeMs >= leadMs);
    const latest = due.at(-1);
    if (latest === undefined) return;
    this.#pending = this.#pending.slice(due.length);
    // After a pause the older ones are too old: they were made for another time.
    if (nowMs - latest.madeMs <= leadMs * 1.5) this.#judge(latest, reading, nowMs);
  }

  #judge({ madeMs, expected, naive }: Pending, reading: number, nowMs: number): void {
    const { leadMs } = this.#options;
    const elapsedMs = nowMs - (this.#judgedMs ?? nowMs);
    const fade = 0.5 ** (elapsedMs / (HALF_LIFE_LEADS * leadMs));
    this.#judgedMs = nowMs;
    const forecast = expected(Math.min(nowMs - madeMs, leadMs));
    this.#errors = this.#errors * fade + Math.abs(reading - forecast);
    this.#naiveErrors = this.#naiveErrors * fade + Math.abs(reading - naive);
    this.#weight = this.#weight * fade + 1;
    this.#judged += 1;
    if (this.#judged < JUDGED_MIN) return;
    const mase = this.mase!;
    this.muted = this.muted ? mase >= GOOD_BELOW : mase > MUTED_FROM;
  }
}
