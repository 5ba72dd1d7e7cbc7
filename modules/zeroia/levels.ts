import type { Clock } from '../../runtime/contracts/clock.js';
import type { Decision } from '../../runtime/contracts/decision.js';
import { type DegradationLevel, levels } from '../../runtime/contracts/device.js';

/** The level that each decision asks for. */
const levelOf: Record<Decision, DegradationLevel> = {
  normal: 'normal',
  monitor: 'light',
  reduce_load: 'moderate',
  emergency_shutdown: 'emergency',
};

/**
 * Turns decisions into levels: worse applies at once; better goes one level at a time, each after `reliefMs` in which no decision
 * asked for the present level or a worse one.
 */
export class LevelRule {
  readonly #clock: Clock;
  readonly #reliefMs: number;
  #calmSinceMs: number | null = null;

  constructor(clock: Clock, reliefMs: number) {
    this.#clock = clock;
    this.#reliefMs = reliefMs;
  }

  /** The level to be in after this decision. */
  next(current: DegradationLevel, decision: Decision): DegradationLevel {
    const wanted = levels.indexOf(levelOf[decision]);
    const present = levels.indexOf(current);
    const now = this.#clock.monotonicMs();
    if (wanted >= present) {
      this.#calmSinceMs = null;
      return levels[wanted]!;
    }
    this.#calmSinceMs ??= now;
    if (now - this.#calmSinceMs < this.#reliefMs) return current;
    this.#calmSinceMs = now;
    return levels[present - 1]!;
  }
}
