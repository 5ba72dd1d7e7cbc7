import { backgroundTimer, type Clock, type SetTimer } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import { troubleTexts } from './trouble.js';

const firstRetryMs = 250;
const retryMsMax = 10_000;

/** A time in which the disk refuses. */
export interface Outage {
  readonly trouble: LedgerTrouble;
  /** What was found, for the operator. */
  readonly problem: string;
  readonly beganMs: number;
  /** Events that waited when it failed, all attempts together. */
  readonly refused: number;
}

/** When to try again: soon at first, then less and less often until something was recorded. */
export class Outages {
  readonly #clock: Clock;
  readonly #reopen: () => void;
  readonly #setTimer: SetTimer;
  #current: Outage | undefined;
  #attempts = 0;
  #retryAtMs = 0;
  #cancel = () => {};

  constructor(clock: Clock, reopen: () => void, setTimer: SetTimer = backgroundTimer) {
    this.#clock = clock;
    this.#reopen = reopen;
    this.#setTimer = setTimer;
  }

  /** Takes note of a failure: of a new outage, or of one that goes on. */
  begin({ trouble, problem, refused }: Omit<Outage, 'beganMs'>): Outage {
    const { beganMs = this.#clock.monotonicMs(), refused: before = 0 } = this.#current ?? {};
    this.#current = { trouble, problem, beganMs, refused: before + refused };
    return this.#current;
  }

  /** Sets the time of the next attempt. */
  retry(): void {
    const waitMs = Math.min(retryMsMax, firstRetryMs * 2 ** this.#attempts++);
    this.#retryAtMs = this.#clock.monotonicMs() + waitMs;
    this.#cancel();
    this.#cancel = this.#setTimer(this.#reopen, waitMs);
  }

  retryInMs(): number {
    return Math.max(1, Math.ceil(this.#retryAtMs - this.#clock.monotonicMs()));
  }

  /** Something was recorded. */
  over(): void {
    this.#current = undefined;
    this.#attempts = 0;
  }

  stop(): void {
    this.#cancel();
  }

  refusal({ trouble, problem }: Outage): AppError {
    return new AppError(
      'ledger_unavailable',
      `The ledger cannot record now: ${troubleTexts[trouble]}. It tries again by itself; nothing that cannot be recorded is answered.`,
      { retryAfterMs: this.retryInMs(), cause: problem },
    );
  }
}
