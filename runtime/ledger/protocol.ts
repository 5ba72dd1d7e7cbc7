import type { LedgerAnalytics } from '../contracts/analytics.js';
import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import type { SlotPlace } from '../watchdog/beats.js';
import type { Erased } from './erasing.js';
import type { EpochReason } from './tlog/epochs.js';

/**
 * What the threads of the ledger say to each other. One message a batch, and one answer a transaction: a message costs the sender some 20 µs
 * whatever is in it, and each string or array in it some 0.5 to 2 µs more, so a batch is one slab of bytes, and each name that its
 * events share once.
 *
 * Slab, event after event, numbers little-endian and unaligned; type, module and stream are places in `names`:
 * ```
 *   time_ms f64 │ type u32 │ module u32 │ stream u32 or noName │ bytes of leaf u32 │ of correlation id u32, 0: none │ texts u32
 *   expected version of the stream f64 or NaN
 *   0x00 │ leaf │ correlation id │ then each text: bytes u32 │ salt (16) │ text
 *   └ hashed ──┘
 * ```
 */
export const eventHeadBytes = 40;
export const noName = 0xffff_ffff;

export interface AppendMessage {
  kind: 'append';
  count: number;
  /** Of the slab, in use. */
  bytes: number;
  /** Moved to the writer, and back with the answer. */
  slab: ArrayBuffer;
  names: string[];
  /** One for each text, in the order of the slab. */
  textNames: string[];
}

/** `checkpoint`: somebody needs one that covers what is recorded; it comes within the interval of checkpoints. */
export type WriterRequest =
  | AppendMessage
  | { kind: 'checkpoint' }
  /** After `unavailable`: try again. What was sent before is dropped. */
  | { kind: 'reopen' }
  | { kind: 'close' };

/** A checkpoint in its file: the signed note, and the number of events that it covers. */
export interface SignedCheckpoint {
  size: number;
  note: string;
}

export type LedgerFileErrorCode =
  | 'ledger_newer'
  | 'ledger_corrupt'
  | 'ledger_foreign'
  | 'ledger_busy'
  | 'ledger_unusable';

/** One of the messages that a transaction took together, in the order in which they were sent. */
export interface AppendedBatch {
  /** Leaf hashes, 64 hexadecimal digits each, one after the other. */
  hashes: string;
  slab: ArrayBuffer;
  /** Events that were not recorded because their stream had moved on: their place in the batch, and the last index of the stream or -1. */
  refused: { place: number; last: number }[];
}

export type WriterReply =
  /** At the start, and after `reopen`; then it may be another log, in the place of a damaged one. */
  | {
      kind: 'opened';
      size: number;
      minimum: number;
      verifierKey: string;
      checkpoint: SignedCheckpoint | undefined;
      /** The last checkpoint of the log before this one. */
      previous: string | undefined;
      /** What a person should be told about the file. */
      notices: string[];
    }
  | { kind: 'refused'; code: LedgerFileErrorCode; message: string }
  /**
   * `checkpoint` was made in the same transaction, when one was due. `own` events of the ledger itself follow those of the batches;
   * `minimum` is the first index that is served.
   */
  | {
      kind: 'appended';
      first: number;
      batches: AppendedBatch[];
      own: number;
      minimum: number;
      /** What a commit takes here, a moving average. */
      syncMs: number;
      checkpoint: SignedCheckpoint | undefined;
    }
  | { kind: 'checkpoint'; checkpoint: SignedCheckpoint }
  /** What was sent and not answered is not recorded as far as anybody may be told; the writer waits for `reopen`. */
  | { kind: 'unavailable'; trouble: LedgerTrouble; message: string }
  | { kind: 'notice'; message: string }
  | { kind: 'failed'; message: string };

/** What events are selected by; all that is given must hold. */
export interface EventFilter {
  type?: string | undefined;
  module?: string | undefined;
  stream?: string | undefined;
  correlationId?: string | undefined;
  /** Wall time, from (inclusive) and to (exclusive). */
  fromMs?: number | undefined;
  toMs?: number | undefined;
  /** Words that are all in the event. */
  text?: string | undefined;
}

/** One page of a query; bounds are inclusive. */
export interface PageRequest {
  id: number;
  filter: EventFilter;
  from: number;
  to: number;
  limit: number;
  order: 'asc' | 'desc';
}

/** Something of the log; sizes and indexes are checked by whoever asks. */
export type LogRequest =
  | { kind: 'tile'; level: number; number: number; width: number }
  | { kind: 'entries'; number: number; width: number }
  | { kind: 'inclusion'; index: number; size: number }
  | { kind: 'consistency'; from: number; to: number; bundle?: Uint8Array | undefined };

/** Counts, patterns and anomalies of so many hours. */
interface AnalyseRequest {
  kind: 'analyse';
  id: number;
  hours: number;
}

/** The texts of some events. */
interface TextsRequest {
  kind: 'texts';
  id: number;
  indexes: readonly number[];
}

export type ReaderRequest =
  | PageRequest
  | AnalyseRequest
  | TextsRequest
  | (LogRequest & { id: number })
  | { kind: 'close' };

/** A proof with the roots that it leads to; hashes in hex. */
export interface LogProof {
  /** For an inclusion: the hash of the entry. */
  leafHash?: string;
  /** Of the earlier size, and of the later one. */
  rootFrom?: string;
  root: string;
  hashes: string[];
  /** The signed checkpoint of the later size, where one was made. */
  note?: string | undefined;
}

/** `leaves` are JSON texts, `hashes` hex and `next` where the next page begins; `null` stands for what is not stored, or not any more. */
export type ReaderReply =
  | { id: number; indexes: number[]; leaves: string[]; hashes: string[]; next: number | null }
  | { id: number; bytes: Uint8Array<ArrayBuffer> | null }
  | { id: number; proof: LogProof | null }
  /** One for each index, by name. */
  | { id: number; texts: Record<string, string>[] }
  /** Null: it is not there yet, ask again. */
  | { id: number; analytics: LedgerAnalytics | null }
  | { id: number; problem: string };

/** The word of the thread that erases. */
export type EraseReply = { erased: Erased } | { problem: string };

export interface ThreadData {
  file: string;
}

export interface WriterData extends ThreadData {
  /** Whether a damaged file is moved away and a new log begun; else it is refused. */
  setCorruptAside: boolean;
  sizeLimitBytes: number;
  /** Events in one transaction, at most. */
  batchMax: number;
  /** Events that are older than this may go; undefined keeps them for as long as there is room. */
  ageMaxMs?: number | undefined;
  /** Names this life of the process in the events of the ledger itself. */
  bootId: string;
  /** What the clock of the caller says at 0 of process.hrtime, which all threads share. */
  monotonicAtZeroMs: number;
  /** Why a log that is begun now follows another; default: the file is new. */
  epochReason?: EpochReason | undefined;
  /** Where the writer says to the watchdog that it lives. */
  heart?: SlotPlace | undefined;
}
