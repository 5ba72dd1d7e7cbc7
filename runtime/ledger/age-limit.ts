import { existsSync } from 'node:fs';
import type { Clock } from '../contracts/clock.js';

/** How far the wall clock may be ahead of what is known before it must have been synchronised. */
const aheadMsMax = 86_400_000;
/** The time that is known is written down this often, with the events of the moment. */
const rememberMs = 3_600_000;
/** systemd-timesyncd makes it once the clock was set from the network. */
const synchronisedFile = '/run/systemd/timesync/synchronized';

export const isClockSynchronised = (): boolean => existsSync(synchronisedFile);

export interface AgeLimitOptions {
  /** Events that are older may go. */
  ageMaxMs: number;
  clock: Clock;
  /** Whether the wall clock was set from the network since the machine started. */
  isSynchronised(): boolean;
  /** The latest wall time that was believed, of an earlier run; else that of the newest event. Undefined for a new ledger. */
  knownMs: number | undefined;
  /** Number of events when this run began. */
  size: number;
}

/** What may go for its age. */
export interface Old {
  /** Wall time: events before it. */
  beforeMs: number;
  /** Index: events below it. */
  below: number;
}

/**
 * Judges by which time events are too old. A wall clock may jump (a Pi without a clock battery starts in the past), and must not take the
 * ledger with it: it counts only while it is not before the newest event, and not more than a day ahead of what was believed last and has
 * passed since, unless it was synchronised. Events of this run are never older than the run.
 */
export class AgeLimit {
  readonly #options: AgeLimitOptions;
  readonly #beganMs: number;
  /** What was believed last, and the monotonic time of that. */
  #known: { wallMs: number; monotonicMs: number } | undefined;
  #rememberedMs: number | undefined;

  constructor(options: AgeLimitOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
    this.#rememberedMs = options.knownMs;
    if (options.knownMs !== undefined) this.#known = { wallMs: options.knownMs, monotonicMs: this.#beganMs };
  }

  /**
   * What may go now; undefined while the clock is not believed.
   * @param newestMs Wall time of the newest event.
   */
  old(newestMs: number): Old | undefined {
    const { clock, ageMaxMs, size, isSynchronised } = this.#options;
    const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
    this.#known ??= { wallMs: newestMs, monotonicMs };
    if (wallMs < newestMs) return undefined;
    const latestMs = this.#known.wallMs + (monotonicMs - this.#known.monotonicMs) + aheadMsMax;
    if (wallMs > latestMs) {
      if (!isSynchronised()) return undefined;
      this.#known = { wallMs, monotonicMs };
    }
    const ranMs = monotonicMs - this.#beganMs;
    return { beforeMs: wallMs - ageMaxMs, below: ranMs < ageMaxMs ? size : Number.MAX_SAFE_INTEGER };
  }

  /** The time that is believed, when it should be written down. Call it after `old` believed the clock. */
  toRemember(): number | undefined {
    const wallMs = this.#options.clock.wallMs();
    if (this.#rememberedMs !== undefined && wallMs < this.#rememberedMs + rememberMs) return undefined;
    this.#rememberedMs = wallMs;
    return wallMs;
  }
}
