import { z } from 'zod';
import { AppError } from './errors.js';
import type { CheckpointedReceipt, InclusionProof, Ledger, NewEvent, Receipt } from './ledger.js';

/** What an answer may wait for, from least to most: taken for recording; synchronised to the disk; proven in a signed checkpoint. */
export const recordLevels = ['queued', 'durable', 'checkpointed'] as const;
export type RecordLevel = (typeof recordLevels)[number];

/** What holds of an event. Only what is on the disk has a place in the log, and so a receipt. */
export type Recorded = { recorded: 'queued'; receipt?: undefined } | OnDisk;
type OnDisk =
  | { recorded: 'durable'; receipt: Receipt }
  | { recorded: 'checkpointed'; receipt: CheckpointedReceipt };

export interface RecordOptions {
  level: RecordLevel;
  /** Longest wait; what holds then is the answer. Unset: as long as it takes. */
  waitMs?: number | undefined;
  /** Called when the event was taken, its answer did not wait for the disk, and then it could not be recorded. */
  onLost(error: unknown): void;
}

/** The `Prefer` header, for a route's documentation. */
export const preferHeader = {
  name: 'Prefer',
  description:
    'RFC 7240. `wait=N` bounds the wait for `record` to N seconds; the answer is 202 when less holds by then',
  schema: z.string(),
};

const waitSecondsMax = 86_400;

/**
 * The wait that a `Prefer` header allows, in ms; undefined without `wait`. Other preferences are passed over (RFC 7240).
 * @throws AppError `invalid_request` for a wait that is no whole number of seconds from 0 to 86,400.
 */
export function preferredWaitMs(header: string | undefined): number | undefined {
  const wait =
    header === undefined ? null : /(?:^|[,;])\s*wait(?![\w-])\s*(?:=\s*"?([^",;\s]*)"?)?/i.exec(header);
  if (wait === null) return undefined;
  const seconds = /^\d{1,5}$/.test(wait[1] ?? '') ? Number(wait[1]) : Number.NaN;
  if (!(seconds <= waitSecondsMax)) {
    throw new AppError(
      'invalid_request',
      `Prefer: wait is a whole number of seconds from 0 to ${waitSecondsMax}, not ${(wait[1] ?? '').slice(0, 20)}.`,
      { details: { param: 'Prefer' } },
    );
  }
  return seconds * 1000;
}

/**
 * Records an event and waits for what was asked, within the allowed time.
 * @throws as Ledger.append does; once the event is durable nothing is thrown any more: what holds is the answer.
 */
export async function record(
  ledger: Ledger,
  event: NewEvent,
  { level, waitMs, onLost }: RecordOptions,
): Promise<Recorded> {
  const durable = ledger.enqueue(event);
  if (level === 'queued') {
    durable.catch(onLost);
    return { recorded: 'queued' };
  }
  // The usual request: nothing to race, so no promises but its own.
  if (level === 'durable' && waitMs === undefined) return { recorded: 'durable', receipt: await durable };
  return within(waitMs, async (elapsed) => {
    const receipt = await first(durable, elapsed);
    if (receipt !== undefined) return lift(ledger, receipt, level, elapsed);
    durable.catch(onLost);
    return { recorded: 'queued' };
  });
}

/** Takes a durable event to the level, within the allowed time; where no checkpoint is to be had, it is durable still. */
export function reach(
  ledger: Ledger,
  receipt: Receipt,
  { level, waitMs }: Omit<RecordOptions, 'onLost'>,
): Promise<OnDisk> {
  return within(waitMs, (elapsed) => lift(ledger, receipt, level, elapsed));
}

async function lift(ledger: Ledger, receipt: Receipt, level: RecordLevel, elapsed: Elapsed): Promise<OnDisk> {
  if (level !== 'checkpointed') return { recorded: 'durable', receipt };
  const { index, leaf_hash } = receipt;
  try {
    const { checkpoint, ...proof } = (await first(ledger.log.inclusion({ index }), elapsed)) ?? {};
    if (checkpoint === undefined) return { recorded: 'durable', receipt };
    const proven = { ...(proof as InclusionProof), checkpoint };
    return {
      recorded: 'checkpointed',
      receipt: { recorded: 'checkpointed', index, leaf_hash, proof: proven },
    };
  } catch (error) {
    // The ledger stopped, and says so itself: to refuse now would let the caller record a second event.
    if (error instanceof AppError) return { recorded: 'durable', receipt };
    throw error;
  }
}

/** Resolves when the allowed time is over; undefined when there is no bound. */
type Elapsed = Promise<undefined> | undefined;

function first<T>(wanted: Promise<T>, elapsed: Elapsed): Promise<T | undefined> {
  return elapsed === undefined ? wanted : Promise.race([wanted, elapsed]);
}

async function within<T>(waitMs: number | undefined, work: (elapsed: Elapsed) => Promise<T>): Promise<T> {
  if (waitMs === undefined) return work(undefined);
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), waitMs);
  });
  try {
    return await work(elapsed);
  } finally {
    clearTimeout(timer);
  }
}

/** 200 when at least what was asked holds, else 202. */
export function recordedStatus(recorded: RecordLevel, asked: RecordLevel): 200 | 202 {
  return recordLevels.indexOf(recorded) >= recordLevels.indexOf(asked) ? 200 : 202;
}
