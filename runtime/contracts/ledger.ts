import type { LedgerAnalytics } from './analytics.js';
import type { BuiltInEventType } from './event-types.js';
import type { CanonicalJson, JsonObject } from './json.js';
import type { LedgerTrouble } from './ledger-trouble.js';

/** A third party's module records `<module>.<type>`; it registers the types with `events()`. */
export type EventType = BuiltInEventType | `${string}.${string}`;

export interface NewEvent {
  type: EventType;
  /** Name of the module (or `kernel`) that records it. */
  module: string;
  /** The series it belongs to, such as a decision stream; optional. */
  stream?: string;
  /**
   * Index of the last event of the stream as the caller knows it, -1 for none: when the stream has moved on, nothing is recorded and the
   * call is rejected with `conflict`. An event that was pruned is none.
   */
  expectedVersion?: number;
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

/** A receipt that needs nothing else to be checked: the proof leads from the event to a signed checkpoint. */
export interface CheckpointedReceipt extends Omit<Receipt, 'recorded'> {
  recorded: 'checkpointed';
  proof: InclusionProof & { checkpoint: string };
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

/** All that is given must hold. */
export interface EventQuery {
  type?: string;
  module?: string;
  stream?: string;
  correlationId?: string;
  /** Wall time in ms since 1970: from (inclusive) and to (exclusive). The wall clock may have jumped; positions are the order. */
  fromMs?: number;
  toMs?: number;
  /**
   * Words that are all in the type, module, stream or the strings of the data: whole words, without regard to case and accents, at most
   * 200 characters. Decisions have no words.
   */
  text?: string;
  /** Only events at this index or later, and at this index or earlier. */
  since?: number;
  until?: number;
  /** 1 to 1000. */
  limit: number;
  order: 'asc' | 'desc';
}

/** What to follow, from the index `since` on (0 unless given), until the signal aborts. */
export type FollowQuery = Omit<EventQuery, 'until' | 'limit' | 'order'> & { signal: AbortSignal };

export interface LedgerStatus {
  /** `unavailable`: nothing is recorded for now, and it mends itself; `failed`: not until a restart. */
  state: 'open' | 'unavailable' | 'failed' | 'closed';
  size: number;
  /** First index that is still served; below it entries, texts and tiles of level 0 were pruned. */
  minimum_index: number;
  pending: number;
  /** Transactions since the start; each is one synchronisation of the disk. */
  commits: number;
  /** From sending events to the writer until they are synchronised: a moving average. Absent before the first commit. */
  commit_ms?: number;
  /** The ledger's files on the disk, and what they may have together. */
  bytes: number;
  limit_bytes: number;
  /** Why it does not record, when it does not. */
  problem?: string;
  trouble?: LedgerTrouble;
  /** When it is tried again. */
  retry_after_ms?: number;
  /** Damaged ledgers that lie in the data folder, moved away so that a new one could begin. */
  set_aside: string[];
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
  /** The newest checkpoint that was signed, however old; undefined before the first. */
  readonly latest: string | undefined;
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
  /**
   * @param sizes `bundle` holds the leaf hashes of the full bundle that the size `from` lies in, for a proof after it was pruned.
   * @throws RangeError unless 1 ≤ from ≤ to ≤ recorded events; AppError `pruned` where what it needs was.
   */
  consistency(sizes: {
    from: number;
    to: number;
    bundle?: Uint8Array | undefined;
  }): Promise<ConsistencyProof>;
}

/**
 * Whose texts go: of a session (with `owner`, as `ownerOf` says, only what was said there by that one), of a key by its id, of events before a
 * wall time in ms since 1970, or of events by their index.
 */
export type EraseSelector =
  | { session: string; owner?: string | null }
  | { key: string }
  | { before: number }
  | { ids: number[] };

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
   * @throws AppError `ledger_unavailable` when the bounded queue is full, the disk refuses or the ledger is closed,
   * SystemRebootRequired when the store failed. Nobody was told that it is recorded; where the disk failed in the middle of a commit it
   * may be, as after a power cut.
   */
  append(event: NewEvent): Promise<Receipt>;
  /** The same for a caller who does not wait: it throws at once when the event is not taken; the promise is append's. */
  enqueue(event: NewEvent): Promise<Receipt>;
  query(query: EventQuery): Promise<StoredEvent[]>;
  /** The texts of events by their index, at most 1000 of them, each by name; none where they were erased or pruned. */
  texts(indexes: readonly number[]): Promise<Record<string, string>[]>;
  /**
   * Deletes texts with their salts, here and in every other ledger of the data folder, for good: nothing of them is left in a file. Every
   * leaf and proof stays as it was. Resolves when that is done and an `erased` event is durable.
   * `actor`: who has it done, for the record.
   * @throws RangeError for a selector out of bounds; AppError `conflict` while another erasure runs, or as append does.
   */
  erase(selector: EraseSelector, actor?: string): Promise<Erasure>;
  /**
   * Events that fit, in order, from a position on: first those that are recorded, then each within some 50 ms of being recorded. Go on after
   * an interruption with `since` the last index + 1. Ends when the signal aborts and when the ledger closes or fails.
   */
  follow(query: FollowQuery): AsyncGenerator<StoredEvent, void>;
  /**
   * Counts, patterns of decisions and anomalies of the last `hours` hours, 1 to 720. The first call looks at every stored event, which takes
   * seconds for a full ledger; later ones at what came since.
   */
  analyse(hours: number): Promise<LedgerAnalytics>;
  status(): LedgerStatus;
}
