import type { BuiltInEventType } from './event-types.js';
import type { CanonicalJson, JsonObject } from './json.js';

/** A third party's module records `<module>.<type>`; it registers the types with `events()`. */
export type EventType = BuiltInEventType | `${string}.${string}`;

export interface NewEvent {
  type: EventType;
  /** Name of the module (or `kernel`) that records it. */
  module: string;
  /** The series it belongs to, such as a decision stream; optional. */
  stream?: string;
  /** Ties the events of one request together: the request id. */
  correlationId?: string;
  /** Facts, never what a person typed or can be identified by. */
  data: JsonObject | CanonicalJson;
  /**
   * What a person typed or can be identified by (messages, context, session, address). The leaf holds only a salted
   * hash of each; text and salt lie beside it and can be erased while every proof still holds.
   */
  texts?: Record<string, string>;
}

/** What an answer carries to show that its event is recorded. Says `durable` only after fsync. */
export interface Receipt {
  recorded: 'durable';
  /** Position of the event in the log, from 0, without gaps. */
  index: number;
  /** RFC 6962 leaf hash of the event's canonical bytes, lower-case hex, 64 digits. */
  leaf_hash: string;
}

export interface StoredEvent {
  index: number;
  type: string;
  module: string;
  stream: string | null;
  correlation_id: string | null;
  /** Wall time in ms since 1970, and monotonic ms within the boot named by `boot_id`. */
  time_ms: number;
  monotonic_ms: number;
  boot_id: string;
  /** Version of the data as it was recorded; `data` has the current version of its type. */
  v: number;
  data: JsonObject;
  /** SHA-256 commitments of the texts, by name; the texts themselves are not part of this view. */
  commitments: Record<string, string>;
  leaf_hash: string;
}

export interface EventQuery {
  type?: string;
  stream?: string;
  /** Only events at this index or later. */
  since?: number;
  /** 1 to 1000. */
  limit: number;
  order: 'asc' | 'desc';
}

export interface LedgerStatus {
  state: 'open' | 'failed' | 'closed';
  size: number;
  /** First index that is still served; below it entries, texts and tiles of level 0 were pruned. */
  minimum_index: number;
  pending: number;
  /** The ledger's files on the disk, and what they may have together. */
  bytes: number;
  limit_bytes: number;
  /** Why it failed, when it did. */
  problem?: string;
}

/** Hashes in lower-case hex, from the leaf upwards. */
export interface InclusionProof {
  index: number;
  /** Of the tree that the proof is in. */
  size: number;
  leaf_hash: string;
  root_hash: string;
  hashes: string[];
  /** The signed checkpoint of that size, where one was made. */
  checkpoint?: string;
}

export interface ConsistencyProof {
  from: number;
  to: number;
  root_from: string;
  root_to: string;
  hashes: string[];
  /** The signed checkpoint of the size `to`, where one was made. */
  checkpoint?: string;
}

/** The ledger as a transparency log: RFC 6962 hashes, C2SP signed-note, tlog-checkpoint and tlog-tiles. */
export interface TransparencyLog {
  /** Public key of this log, `<device id>/<epoch>+<key id>+<key>`. */
  readonly verifierKey: string;
  /** The last checkpoint of the log before this one, a signed note; undefined for the first epoch. */
  readonly previous: string | undefined;
  /** The newest signed checkpoint; where it is a second old and does not cover everything recorded, one that does. */
  checkpoint(): Promise<string>;
  /** A checkpoint over at least the first `size` events, which must be recorded: within a second or so. */
  covering(size: number): Promise<string>;
  /**
   * The first `width` hashes (1 to 256) of a tile; null where the log does not reach so far.
   * @throws AppError `pruned` for a tile of level 0 below the minimum index.
   */
  tile(place: { level: number; number: number; width: number }): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Entries number × 256 and the following, each behind its length in two bytes; null as above. */
  entries(place: { number: number; width: number }): Promise<Uint8Array<ArrayBuffer> | null>;
  /**
   * Without a size: in a checkpoint that covers the event, made if need be.
   * @throws RangeError unless 0 ≤ index < size ≤ recorded events; AppError `pruned` below the minimum index.
   */
  inclusion(place: { index: number; size?: number | undefined }): Promise<InclusionProof>;
  /** @throws RangeError unless 1 ≤ from ≤ to ≤ recorded events; AppError `pruned` where what it needs was. */
  consistency(sizes: { from: number; to: number }): Promise<ConsistencyProof>;
}

/** Whose texts go: of a session, of a key by its id, of events before a wall time in ms since 1970, or of events by their index. */
export type EraseSelector = { session: string } | { key: string } | { before: number } | { ids: number[] };

export interface Erasure {
  /** Events that had texts, and their texts. */
  events: number;
  texts: number;
  /** Other files of the data folder in which something was erased. */
  files: string[];
  /** Ledgers in the data folder that could not be read, so that nobody knows what they hold: delete or examine them. */
  unreadable: string[];
  /** Of the event that records it. */
  receipt: Receipt;
}

export interface Ledger {
  readonly log: TransparencyLog;
  /**
   * Records one event; resolves when it is durable (fsync done).
   * @throws AppError `ledger_unavailable` when the bounded queue is full or the ledger closed, SystemRebootRequired when the store
   * failed; nothing was recorded.
   */
  append(event: NewEvent): Promise<Receipt>;
  query(query: EventQuery): Promise<StoredEvent[]>;
  /**
   * Deletes texts with their salts, here and in every other ledger of the data folder, for good: nothing of them is left in a file. Every
   * leaf and proof stays as it was. Resolves when that is done and an `erased` event is durable.
   * @throws RangeError for a selector out of bounds; AppError `conflict` while another erasure runs, or as append does.
   */
  erase(selector: EraseSelector): Promise<Erasure>;
  status(): LedgerStatus;
}
