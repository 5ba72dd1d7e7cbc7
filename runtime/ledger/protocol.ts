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
 *   0x00 │ leaf │ correlation id │ then each text: bytes u32 │ salt (16) │ text
 *   └ hashed ──┘
 * ```
 */
export const eventHeadBytes = 32;
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
export type WriterRequest = AppendMessage | { kind: 'checkpoint' } | { kind: 'close' };

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
}

export type WriterReply =
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
      checkpoint: SignedCheckpoint | undefined;
    }
  | { kind: 'checkpoint'; checkpoint: SignedCheckpoint }
  | { kind: 'notice'; message: string }
  | { kind: 'failed'; message: string };

/** One page of a query; bounds are inclusive. */
export interface PageRequest {
  id: number;
  type: string | null;
  stream: string | null;
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
  | { kind: 'consistency'; from: number; to: number };

export type ReaderRequest = PageRequest | (LogRequest & { id: number }) | { kind: 'close' };

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

/** `leaves` are JSON texts and `hashes` hex; `null` stands for what is not stored, or not any more. */
export type ReaderReply =
  | { id: number; indexes: number[]; leaves: string[]; hashes: string[] }
  | { id: number; bytes: Uint8Array<ArrayBuffer> | null }
  | { id: number; proof: LogProof | null }
  | { id: number; problem: string };

/** The word of the thread that erases. */
export type EraseReply = { erased: Erased } | { problem: string };

export interface ThreadData {
  file: string;
}

export interface WriterData extends ThreadData {
  sizeLimitBytes: number;
  /** Names this life of the process in the events of the ledger itself. */
  bootId: string;
  /** What the clock of the caller says at 0 of process.hrtime, which all threads share. */
  monotonicAtZeroMs: number;
  /** Why a log that is begun now follows another; default: the file is new. */
  epochReason?: EpochReason | undefined;
}
