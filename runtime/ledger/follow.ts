import { setTimeout as pause } from 'node:timers/promises';
import type { EventQuery, FollowQuery, StoredEvent } from '../contracts/ledger.js';

const pageEvents = 100;
/** What is recorded within this time is read together, so that a busy ledger is not asked after each commit. */
const gatherMs = 50;

/** Lets followers sleep until something was recorded. */
export class Growth {
  readonly #sleeping = new Set<() => void>();
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  grown(): void {
    if (this.#sleeping.size === 0) return;
    for (const wake of [...this.#sleeping]) wake();
  }

  /** Nothing will be recorded any more. */
  end(): void {
    this.#ended = true;
    this.grown();
  }

  /** Resolves at the next growth or end, or when the signal aborts. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleeping.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleeping.add(wake);
      signal.addEventListener('abort', wake);
      if (this.#ended || signal.aborted) wake();
    });
  }
}

export interface Followed {
  query(query: EventQuery): Promise<StoredEvent[]>;
  /** Number of recorded events. */
  size(): number;
  growth: Growth;
}

/**
 * Events from a position on: those that are there, a page at a time, then those that come. A follower asks when it is ready for more, so
 * nothing piles up for a slow one.
 */
export async function* follow(
  { query, size, growth }: Followed,
  { since = 0, signal, ...filter }: FollowQuery,
): AsyncGenerator<StoredEvent, void> {
  let from = since;
  while (!signal.aborted && !growth.ended) {
    const recorded = size();
    if (from >= recorded) {
      await growth.next(signal);
      if (!growth.ended) await pause(gatherMs, undefined, { signal }).catch(unlessAborted(signal));
      continue;
    }
    const range = { since: from, until: recorded - 1, limit: pageEvents, order: 'asc' } as const;
    const events = await query({ ...filter, ...range });
    for (const event of events) {
      yield event;
      if (signal.aborted) return;
    }
    from = events.length < pageEvents ? recorded : events.at(-1)!.index + 1;
  }
}

function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
