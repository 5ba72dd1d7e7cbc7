import type { Clock } from '../../runtime/contracts/clock.js';
import type {
  Decision,
  DecisionScorer,
  OwnScorer,
  Score,
  ScoreInput,
  Thresholds,
} from '../../runtime/contracts/decision.js';
import type { Config } from '../../runtime/contracts/module.js';
import { AdaptiveThresholds, type Adjustment, type Steps } from './thresholds.js';

/** What the device's own stream is scored with beside the figures: its thresholds, and its previous decision. */
export class OwnStream {
  readonly #scorer: DecisionScorer;
  readonly #thresholds: AdaptiveThresholds;
  readonly #hysteresis: number;
  readonly #cooldownMs: number;
  #score: OwnScorer;
  #previous: { decision: Decision; askedMs: number } | undefined;

  /** @param steps What its thresholds have learned before. */
  constructor(scorer: DecisionScorer, clock: Clock, options: Config['zeroia'], steps: Steps) {
    this.#scorer = scorer;
    this.#hysteresis = options.hysteresis;
    this.#cooldownMs = options.cooldown_ms;
    this.#thresholds = new AdaptiveThresholds(
      scorer.thresholds,
      {
        enabled: options.adapt,
        step: options.adapt_step,
        loweredMax: options.adapt_lowered_max,
        intervalMs: options.adapt_interval_ms,
        hysteresis: options.hysteresis,
      },
      clock,
      steps,
    );
    this.#score = this.#scorerNow();
  }

  get score(): OwnScorer {
    return this.#score;
  }

  get thresholds(): Thresholds {
    return this.#thresholds.current;
  }

  /** Adds the previous decision to the input of a sample taken at `nowMs`. */
  recall(input: ScoreInput, nowMs: number): void {
    if (this.#previous === undefined) return;
    input.previousDecision = this.#previous.decision;
    input.previousAgeMs = Math.max(0, nowMs - this.#previous.askedMs);
  }

  /** Keeps the decision on a sample taken at `nowMs`. One that only the cooldown kept was not asked for. */
  remember({ decision, reasons }: Score, nowMs: number): void {
    const asked = !reasons.includes('held_by_cooldown');
    const askedMs = asked || this.#previous === undefined ? nowMs : this.#previous.askedMs;
    this.#previous = { decision, askedMs };
  }

  /** Lets the thresholds learn from the figures of a sample; returns what is due to move. */
  learn(input: ScoreInput): Adjustment[] {
    return this.#thresholds.learn(input);
  }

  /** Moves thresholds; the next sample is scored with them. */
  apply(adjustment: Adjustment): void {
    this.#thresholds.apply(adjustment);
    this.#score = this.#scorerNow();
  }

  /** As it would be after a move. */
  stepsAfter(adjustment: Adjustment): Steps {
    return this.#thresholds.stepsAfter(adjustment);
  }

  /** The moves back to what was learned before. */
  movesTo(steps: Steps, why: string): Adjustment[] {
    return this.#thresholds.movesTo(steps, why);
  }

  #scorerNow(): OwnScorer {
    return this.#scorer.withOwn({
      ...this.#thresholds.current,
      hysteresis: this.#hysteresis,
      cooldownMs: this.#cooldownMs,
    });
  }
}
