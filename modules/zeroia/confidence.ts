/** Each new value weighs a fifth, so about the last ten decisions count. */
const SMOOTHING = 0.2;
/** Decisions before a mean says something. */
const DECISIONS_MIN = 10;
/** The mean is told when it has moved by this much, and not more often than this. */
const MOVE_MIN = 0.05;
const INTERVAL_MS = 60_000;

/** How far the mean confidence has moved since it was last told. */
export interface ConfidenceMove {
  /** Decisions since then. */
  decisions: number;
  old: number;
  new: number;
}

/** Follows the mean confidence of one stream of decisions. Nothing counts as told before `told` says so. */
export class MeanConfidence {
  #mean: number | undefined;
  #told: number | undefined;
  #decisions = 0;
  #checkedMs = Number.NEGATIVE_INFINITY;

  /** Takes in one confidence, 0 to 1; returns a move that is due to be told. The first mean is taken as told. */
  learn(confidence: number, nowMs: number): ConfidenceMove | undefined {
    this.#decisions += 1;
    this.#mean = this.#mean === undefined ? confidence : this.#mean + (confidence - this.#mean) * SMOOTHING;
    if (this.#decisions < DECISIONS_MIN || nowMs - this.#checkedMs < INTERVAL_MS) return undefined;
    this.#checkedMs = nowMs;
    // Rounding may lead a mean of figures up to 1 a hair beyond it.
    const mean = Math.min(1, this.#mean);
    this.#told ??= mean;
    if (Math.abs(mean - this.#told) < MOVE_MIN) return undefined;
    return { decisions: this.#decisions, old: this.#told, new: mean };
  }

  told(move: ConfidenceMove): void {
    this.#told = move.new;
    this.#decisions = 0;
  }
}
