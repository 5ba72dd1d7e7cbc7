export interface TrendOptions {
  /** How fast the level follows the readings. */
  levelMs: number;
  /** How fast the trend follows the level. */
  trendMs: number;
  /** How fast a trend fades when nothing keeps it up; a heating processor approaches its end the same way. */
  fadeMs: number;
  /** A reading further than this from the expected one is a jump: it moves the level and not the trend, unless the next jumps the same way. */
  jump: number;
  /** After a gap longer than this all is learned anew. */
  gapMsMax: number;
}

/** The value that is expected so many ms after the reading that it was made at. */
export type Expectation = (aheadMs: number) => number;

/** Readings closer together than this say nothing about a trend. */
const APART_MS_MIN = 50;

/**
 * Holt's linear trend method with a damped trend (Gardner and McKenzie, Forecasting trends in time series, Management Science 31(10), 1985), in its
 * error-correction form (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 8.2), for readings that do not come at even
 * intervals (Wright, Management Science 32(4), 1986): the smoothing constants are 1 − exp(−Δt/τ), so that they mean the same at each interval.
 *
 *   expected = level + trend · fade(Δt)          fade(t) = τ · (1 − exp(−t/τ)), the time that a fading trend counts for
 *   level    = expected + α(Δt) · error
 *   trend    = trend · exp(−Δt/τ) + α(Δt) · β(Δt) · error / Δt
 */
export class DampedTrend {
  readonly #options: TrendOptions;
  #level = 0;
  /** Per millisecond. */
  #trend = 0;
  #atMs: number | undefined;
  #jumped = 0;

  constructor(options: TrendOptions) {
    this.#options = options;
  }

  /** Takes in a reading; one that is not finite, or is not later than the last, is left out. */
  learn(value: number, atMs: number): void {
    if (!Number.isFinite(value)) return;
    const elapsedMs = this.#atMs === undefined ? Number.POSITIVE_INFINITY : atMs - this.#atMs;
    if (elapsedMs < APART_MS_MIN) return;
    this.#atMs = atMs;
    const { levelMs, trendMs, fadeMs, gapMsMax, jump } = this.#options;
    if (elapsedMs > gapMsMax) {
      this.#level = value;
      this.#trend = 0;
      this.#jumped = 0;
      return;
    }
    const expected = this.#level + this.#trend * this.#fade(elapsedMs);
    const trend = this.#trend * Math.exp(-elapsedMs / fadeMs);
    const error = value - expected;
    const jumped = Math.abs(error) > jump ? Math.sign(error) : 0;
    if (jumped !== 0 && jumped !== this.#jumped) {
      this.#level = value;
      this.#trend = trend;
    } else {
      const follow = 1 - Math.exp(-elapsedMs / levelMs);
      this.#level = expected + follow * error;
      this.#trend = trend + (follow * (1 - Math.exp(-elapsedMs / trendMs)) * error) / elapsedMs;
    }
    this.#jumped = jumped;
  }

  /** What it expects as it is now; it stays when more is learned. Undefined before the first reading. */
  expectation(): Expectation | undefined {
    if (this.#atMs === undefined) return undefined;
    const [level, trend] = [this.#level, this.#trend];
    return (aheadMs) => level + trend * this.#fade(aheadMs);
  }

  /** When it expects `limit` to be reached from below: ms after the last reading, 0 for now; undefined for never. */
  reachesMs(limit: number): number | undefined {
    if (this.#atMs === undefined) return undefined;
    const missing = limit - this.#level;
    if (missing <= 0) return 0;
    if (this.#trend <= 0) return undefined;
    const { fadeMs } = this.#options;
    const left = 1 - missing / this.#trend / fadeMs;
    return left <= 0 ? undefined : -fadeMs * Math.log(left);
  }

  #fade(ms: number): number {
    const { fadeMs } = this.#options;
    return fadeMs * (1 - Math.exp(-ms / fadeMs));
  }
}
