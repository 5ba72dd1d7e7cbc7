import type { Clock } from '../../../runtime/contracts/clock.js';
import { type LevelChange, levels } from '../../../runtime/contracts/device.js';
import type { JsonObject } from '../../../runtime/contracts/json.js';
import type { Config } from '../../../runtime/contracts/module.js';
import { type Check, type Finding, ok } from './check.js';

/** A sample comes a little early or late. */
const TOLERATED_MS = 50;

/** How the level behaves: it may worsen by jumps and at once, and gets better one step at a time, each after the cooldown of the level that is left. */
export class LevelSteps implements Check {
  readonly name = 'level_steps';
  readonly kind = 'behavioural_pattern';
  readonly accountOf = 'zeroia';
  readonly about =
    'The level gets better by one step at a time, each after the cooldown of the level that is left.';
  readonly #clock: Clock;
  readonly #cooldown: Config['degradation']['cooldown'];
  #changedMs: number | undefined;
  #wrong: { fault: string; evidence: JsonObject } | undefined;

  constructor(clock: Clock, cooldown: Config['degradation']['cooldown']) {
    this.#clock = clock;
    this.#cooldown = cooldown;
  }

  levelChanged({ from, to }: LevelChange): void {
    const nowMs = this.#clock.monotonicMs();
    const held_ms = nowMs - (this.#changedMs ?? Number.NEGATIVE_INFINITY);
    this.#changedMs = nowMs;
    const steps = levels.indexOf(from) - levels.indexOf(to);
    if (steps <= 0 || from === 'normal') return;
    const cooldown_ms = this.#cooldown[`${from}_ms`];
    if (steps > 1) this.#wrong ??= { fault: 'step_skipped', evidence: { from, to } };
    else if (held_ms < cooldown_ms - TOLERATED_MS) {
      this.#wrong ??= { fault: 'better_too_soon', evidence: { from, to, held_ms, cooldown_ms } };
    }
  }

  /** Tells the first since it was last asked. */
  compare(): Finding {
    const wrong = this.#wrong;
    this.#wrong = undefined;
    return wrong === undefined ? ok : { level: 'warning', ...wrong };
  }
}
