import type { Worker } from 'node:worker_threads';
import type { Clock, SetTimer } from '../contracts/clock.js';
import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import type { SlotPlace } from '../watchdog/beats.js';
import type { EventCatalog } from './events/catalog.js';
import type { WriterData } from './protocol.js';
import { sizeLimitBytesMin } from './pruner.js';
import type { StartReader } from './query.js';
import type { EpochReason } from './tlog/epochs.js';

const sizeLimitBytesMax = 1_000_000_000_000;
const ageMsMin = 3_600_000;
const ageMsMax = 36_500 * 86_400_000;

export interface LedgerOptions {
  /** The SQLite file, made when missing; its folder must exist. */
  file: string;
  /** Names this life of the process; monotonic times compare within it. 1 to 64 characters. */
  bootId: string;
  clock: Clock;
  /** Events that may wait for the disk, those of the running commit included. 1 to 10,000,000. */
  queueMax: number;
  /** Events in one transaction. 1 to 65,536. */
  batchMax: number;
  /** What the file and its write-ahead log may hold together; the oldest events are pruned below it. 8 MB to 1 TB, default 500 MB. */
  sizeLimitBytes?: number;
  /** Events that are older than this are pruned, while the wall clock can be believed; default: none is for its age. An hour to 100 years. */
  ageMaxMs?: number | undefined;
  /** Types that may be recorded; those of the kernel unless given. */
  events?: EventCatalog;
  /** Moves a damaged file away and begins a new log, at the start and while it runs; else such a file is refused. */
  setCorruptAside?: boolean;
  /** Called once when the store failed; from then on nothing is recorded until `restartWriter` or another process. */
  onFailure: (error: Error) => void;
  /** Whether somebody calls `restartWriter` after a failure: until it has failed too, who waits is told to try again. */
  isRestarted?: boolean;
  /** Told when the disk refuses, and when it takes again. */
  onChange?: (change: LedgerChange) => void;
  /** Told what a person should know about the file: at the opening, and later. */
  onNotice?: (message: string) => void;
  /** Why a log that is begun now follows another; default: the file is new. */
  epochReason?: EpochReason;
  /** Where the writer says to the watchdog that it lives. */
  heart?: SlotPlace;
  /** Starts the writer thread; tests wrap it to break it. */
  startWriter?: (script: URL, data: WriterData) => Worker;
  /** The same for the reader's thread. */
  startReader?: StartReader;
  /** Timers other than the process's own, for a simulation. */
  setTimer?: SetTimer;
}

export type LedgerChange =
  /** `refused` waited and were refused now. */
  | { kind: 'unavailable'; trouble: LedgerTrouble; problem: string; refused: number; retryInMs: number }
  | { kind: 'recovered'; trouble: LedgerTrouble; downMs: number; refused: number };

/** @throws RangeError for a number that cannot be. */
export function checkOptions({ queueMax, batchMax, bootId, sizeLimitBytes, ageMaxMs }: LedgerOptions): void {
  checkInteger(queueMax, 'queueMax', 10_000_000);
  checkInteger(batchMax, 'batchMax', 65_536);
  checkInteger(bootId.length, 'the length of bootId', 64);
  if (sizeLimitBytes !== undefined)
    checkInteger(sizeLimitBytes, 'sizeLimitBytes', sizeLimitBytesMax, sizeLimitBytesMin);
  if (ageMaxMs !== undefined) checkInteger(ageMaxMs, 'ageMaxMs', ageMsMax, ageMsMin);
}

function checkInteger(value: number, name: string, max: number, min = 1): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} is an integer from ${min} to ${max}, not ${value}`);
  }
}
