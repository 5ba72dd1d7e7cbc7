import { type SetTimer, systemTimer } from '../contracts/clock.js';

/** Weight of the newest sync in the moving average. */
const weight = 0.2;
/** From here on a sync costs more than callers that wait a little for each other. */
const slowMs = 4;
/** Part of a sync that a batch may wait for more, and the longest wait whatever the disk. */
const waitShare = 0.25;
const waitMsMax = 8;
/** Pages in the write-ahead log before they are copied back: the copy costs three syncs more, so a slow disk does it less often. */
const checkpointPages = [
  { fromMs: 16, pages: 8000 },
  { fromMs: 8, pages: 4000 },
  { fromMs: slowMs, pages: 2000 },
] as const;
/**
 * 4 MB. The copy is a pause of the writer: here 5 ms; with 4000 pages 7 % more events a second, but p99 at 57,000/s went from 8 to 22 ms.
 */
export const checkpointPagesFast = 1000;

/** How long this disk takes for a commit. One that also copies the write-ahead log back counts as at most twice the usual. */
export class SyncTime {
  #ms = 0;

  get ms(): number {
    return this.#ms;
  }

  add(ms: number): void {
    this.#ms += (Math.min(ms, this.#ms * 2 + 1) - this.#ms) * weight;
  }

  checkpointPages(): number {
    return checkpointPages.find(({ fromMs }) => this.#ms >= fromMs)?.pages ?? checkpointPagesFast;
  }
}

/**
 * When a batch leaves. On a fast disk at once, several in a row. On a slow one all that is there goes in one transaction, and after its answer
 * those who were answered get a moment to come back, so that they and the others do not fall into two steps with a sync each:
 *
 *   without   │ sync: A │ sync: B │ sync: A │ …       with   │ sync: A, B │ wait │ sync: A, B │ …
 */
export class Pace {
  readonly #send: () => void;
  readonly #setTimer: SetTimer;
  #syncMs = 0;
  /** Events that were there when the last answer came: nobody else is expected. */
  #crowd = 0;
  /** Ends the wait that runs. */
  #cancel: (() => void) | undefined;

  /** @param send Called when the wait is over. */
  constructor(send: () => void, setTimer: SetTimer = systemTimer) {
    this.#send = send;
    this.#setTimer = setTimer;
  }

  /** A transaction was answered: what a sync takes, and the events that were under way. */
  answered(syncMs: number, pending: number): void {
    this.#syncMs = syncMs;
    this.#crowd = pending;
  }

  /** Whether a batch of all `collected` events waits. */
  holds({ collected, isOut }: { collected: number; isOut: boolean }): boolean {
    if (this.#syncMs < slowMs) return false;
    if (isOut) return true;
    if (collected >= this.#crowd) {
      this.stop();
      return false;
    }
    this.#cancel ??= this.#setTimer(
      () => {
        this.stop();
        this.#crowd = 0;
        this.#send();
      },
      Math.min(waitMsMax, this.#syncMs * waitShare),
    );
    return true;
  }

  /** Ends a wait without its end being told. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
