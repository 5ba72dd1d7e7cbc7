import { asProblem } from './api/call.js';
import type { Problem } from './api/problem.js';
import { type EventFilter, type EventPage, type LedgerEvent, newestEvents } from './events.js';

/** The newest events that fit a filter, and older ones page by page; what went wrong is kept to be shown. */
export class EventPages {
  events = $state.raw<LedgerEvent[]>([]);
  /** Where older ones go on; null at the end. */
  next = $state<number | null>(null);
  loaded = $state(false);
  problem = $state<Problem | undefined>(undefined);
  readonly #filter: () => EventFilter;
  readonly #pageSize: number;

  constructor(filter: () => EventFilter, pageSize: number) {
    this.#filter = filter;
    this.#pageSize = pageSize;
  }

  /** Does something and keeps what went wrong. */
  readonly attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      this.problem = asProblem(error);
    }
  };

  /** Begins anew with the newest page; `more` is asked for with it. */
  load(more: (page: EventPage) => Promise<void> | void = () => {}): Promise<void> {
    this.problem = undefined;
    return this.attempt(async () => {
      const page = await newestEvents(this.#filter(), this.#pageSize);
      await more(page);
      this.events = page.events;
      this.next = page.next;
      this.loaded = true;
    });
  }

  readonly older = async (): Promise<void> => {
    const until = this.next;
    if (until === null) return;
    await this.attempt(async () => {
      const page = await newestEvents({ ...this.#filter(), until }, this.#pageSize);
      this.events = [...this.events, ...page.events];
      this.next = page.next;
    });
  };

  /** Puts those on top that came since, each once. @throws Problem */
  async newer(): Promise<void> {
    const page = await newestEvents(
      { ...this.#filter(), since: (this.events[0]?.index ?? -1) + 1 },
      this.#pageSize,
    );
    const known = new Set(this.events.map(({ index }) => index));
    this.events = [...page.events.filter(({ index }) => !known.has(index)), ...this.events];
  }
}
