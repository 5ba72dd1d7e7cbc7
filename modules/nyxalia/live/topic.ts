/** Gets what a topic says, as one line of JSON. */
export interface TopicListener {
  deliver(topic: Topic, text: string): void;
}

export interface TopicOptions {
  name: string;
  /** Events that are kept for clients that come back; 0 for a topic whose events are whole states. */
  kept: number;
  /** What a client begins with. */
  snapshot(): unknown;
  /** Where the topic holds a state: how often it is looked at while anybody listens. */
  lookMs?: number;
}

interface Kept {
  id: number;
  text: string;
}

/**
 * One stream of live data. An event is turned into text once, whoever listens. A topic that holds a state is looked at only while
 * somebody listens, and says something when it has changed.
 */
export class Topic {
  readonly name: string;
  readonly #options: TopicOptions;
  readonly #listeners = new Set<TopicListener>();
  readonly #kept: Kept[] = [];
  #position = 0;
  #last = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TopicOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Tells everyone who listens. Costs nothing but the keeping when nobody does. */
  publish(data: unknown): void {
    this.#position += 1;
    const { kept } = this.#options;
    if (kept === 0 && this.#listeners.size === 0) return;
    const text = this.#text('event', data);
    if (kept > 0) {
      this.#kept.push({ id: this.#position, text });
      if (this.#kept.length > kept) this.#kept.shift();
    }
    for (const listener of this.#listeners) listener.deliver(this, text);
  }

  /**
   * Adds a listener. Returns what it reads first: what it missed after that position if all of it is kept, else a snapshot.
   * @param after The last position that it has seen, if any.
   */
  add(listener: TopicListener, after: number | undefined): string[] {
    const { lookMs } = this.#options;
    if (lookMs !== undefined && this.#timer === undefined) {
      this.#look();
      this.#timer = setInterval(() => this.#look(), lookMs);
      this.#timer.unref();
    }
    this.#listeners.add(listener);
    return this.#opening(after);
  }

  remove(listener: TopicListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** For a client that could not keep up. */
  summary(missed: number): string {
    return this.#text('summary', this.#options.snapshot(), { missed });
  }

  #opening(after: number | undefined): string[] {
    if (after === this.#position) return [];
    const first = this.#kept[0]?.id ?? Number.POSITIVE_INFINITY;
    if (after !== undefined && after < this.#position && after >= first - 1) {
      return this.#kept.filter(({ id }) => id > after).map(({ text }) => text);
    }
    return [this.#text('snapshot', this.#options.snapshot())];
  }

  #look(): void {
    const state = this.#options.snapshot();
    const text = JSON.stringify(state);
    if (text === this.#last) return;
    this.#last = text;
    this.publish(state);
  }

  #text(type: string, data: unknown, more: Record<string, unknown> = {}): string {
    return JSON.stringify({ type, topic: this.name, id: this.#position, ...more, data });
  }
}
