/**
 * What the threads of the ledger say to each other. One message a batch each way: a message costs the sender some 20 µs
 * whatever is in it, and each string in it some 0.5 µs more, so a batch is one slab of bytes, flat arrays of numbers, and
 * each name that its events share once.
 *
 * Slab, event after event:
 * ```
 *   0x00 │ leaf │ correlation id │ salt of text 0 (16) │ text 0 │ salt of text 1 │ text 1 …
 *   └ hashed ──┘
 * ```
 * `sizes`, event after event: bytes of the leaf, of the correlation id (0: none), number of texts, bytes of each text.
 * `columns`, event after event: type, module and stream as places in `names`, `noName` for no stream.
 */
export const noName = 0xffff_ffff;

export interface AppendMessage {
  kind: 'append';
  count: number;
  /** Moved to the writer, and back with the answer. */
  slab: ArrayBuffer;
  sizes: Uint32Array;
  names: string[];
  columns: Uint32Array;
  timesMs: Float64Array;
  /** One for each text, in the order of the slab. */
  textNames: string[];
}

export type WriterRequest = AppendMessage | { kind: 'close' };

export type LedgerFileErrorCode =
  | 'ledger_newer'
  | 'ledger_corrupt'
  | 'ledger_foreign'
  | 'ledger_busy'
  | 'ledger_unusable';

export type WriterReply =
  | { kind: 'opened'; size: number }
  | { kind: 'refused'; code: LedgerFileErrorCode; message: string }
  | { kind: 'appended'; first: number; hashes: string; slab: ArrayBuffer }
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

export type ReaderRequest = PageRequest | { kind: 'close' };

/** `rows` is index, leaf (JSON text) and leaf hash (hex), row after row. */
export type ReaderReply =
  | { id: number; indexes: number[]; leaves: string[]; hashes: string[] }
  | { id: number; problem: string };

export interface ThreadData {
  file: string;
}
