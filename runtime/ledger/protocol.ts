/**
 * What the threads of the ledger say to each other. One message a batch each way: a message costs the sender some 20 µs
 * whatever is in it, and each object in it some more, so a batch is one slab of bytes and a few flat arrays.
 *
 * Slab, event after event:
 * ```
 *   0x00 │ leaf │ salt of text 0 (16) │ text 0 │ salt of text 1 │ text 1 …
 *   └ hashed ──┘
 * ```
 * `sizes`, event after event: bytes of the leaf, number of texts, bytes of each text.
 */
export interface AppendMessage {
  kind: 'append';
  count: number;
  /** Moved to the writer, and back with the answer. */
  slab: ArrayBuffer;
  sizes: Uint32Array;
  types: string[];
  modules: string[];
  streams: (string | null)[];
  correlationIds: (string | null)[];
  timesMs: number[];
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
