import type { Clock } from '../../runtime/contracts/clock.js';
import type { Decision } from '../../runtime/contracts/decision.js';
import { type DegradationLevel, type DeviceSample, levels } from '../../runtime/contracts/device.js';
import type { Config } from '../../runtime/contracts/module.js';
import { SurvivalRule } from './survival.js';

/** The level to be in, and what asks for it. */
export interface LevelVerdict {
  level: DegradationLevel;
  why: string;
}

const rank = (level: DegradationLevel) => levels.indexOf(level);

/**
 * Turns decisions and measured health into levels by the table of the configuration. Worse applies at once and may jump; better goes
 * one level at a time, each after the cooldown of the level that is left, in which nothing asked for it or a worse one.
 */
export class LevelRule {
  readonly #clock: Clock;
  readonly #options: Config['degradation'];
  readonly #survival: SurvivalRule;
  #calmSinceMs: number | null = null;
  /** The level of the last verdict; another one in force was set by somebody else. */
  #given: DegradationLevel | undefined;
  #loadedSinceMs: number | null = null;

  /** `hysteresis`: share by which a figure must fall below its limit of survival before it no longer asks for it. */
  constructor(clock: Clock, options: Config['degradation'], hysteresis: number) {
    this.#clock = clock;
    this.#options = options;
    this.#survival = new SurvivalRule(options.survival, hysteresis);
  }

  /**
   * The level to be in after this decision on this sample.
   * @param ahead What is expected soon and asks for at least the level of `reduce_load`; it does not count as persisting.
   * @param noRelief Why this may worsen the level and not ease it, when the sample may be false or lacks too much; no cooldown passes.
   */
  next(
    current: DegradationLevel,
    decision: Decision,
    sample: DeviceSample,
    { ahead, noRelief }: { ahead?: string | undefined; noRelief?: string | undefined } = {},
  ): LevelVerdict {
    // Whoever set it asked for it just now, so its cooldown begins.
    if (current !== this.#given) this.#calmSinceMs = null;
    let verdict = this.#next(current, decision, sample, ahead);
    if (noRelief !== undefined && rank(verdict.level) <= rank(current)) {
      this.#calmSinceMs = null;
      verdict = { level: current, why: noRelief };
    }
    this.#given = verdict.level;
    return verdict;
  }

  #next(
    current: DegradationLevel,
    decision: Decision,
    sample: DeviceSample,
    ahead: string | undefined,
  ): LevelVerdict {
    const now = this.#clock.monotonicMs();
    const wanted = this.#atLeast(this.#wanted(decision, sample, now), ahead);
    if (rank(wanted.level) >= rank(current)) {
      this.#calmSinceMs = null;
      return wanted;
    }
    this.#calmSinceMs ??= now;
    if (now - this.#calmSinceMs < this.#cooldownMs(current)) return { level: current, why: 'cooldown' };
    this.#calmSinceMs = now;
    return { level: levels[rank(current) - 1]!, why: `${wanted.why} for its cooldown` };
  }

  #atLeast(measured: LevelVerdict, ahead: string | undefined): LevelVerdict {
    const floor = this.#options.levels.reduce_load;
    return ahead === undefined || rank(measured.level) >= rank(floor)
      ? measured
      : { level: floor, why: ahead };
  }

  #wanted(decision: Decision, sample: DeviceSample, now: number): LevelVerdict {
    const { levels: table, persist_ms: persistMs } = this.#options;
    const dying = this.#survival.asks(sample);
    const loaded = decision === 'reduce_load' || decision === 'emergency_shutdown';
    this.#loadedSinceMs = loaded ? (this.#loadedSinceMs ?? now) : null;
    if (dying !== undefined) return { level: 'survival', why: dying };
    if (decision === 'reduce_load' && now - this.#loadedSinceMs! >= persistMs) {
      return { level: table.reduce_load_persists, why: 'reduce_load persists' };
    }
    return { level: table[decision], why: decision };
  }

  #cooldownMs(level: DegradationLevel): number {
    return level === 'normal' ? 0 : this.#options.cooldown[`${level}_ms`];
  }
}
