import { AppError } from '../../runtime/contracts/errors.js';
import type { Ledger, StoredEvent } from '../../runtime/contracts/ledger.js';

/** Events of which the texts are read at once: some megabytes at worst. */
const pageEvents = 100;
/** The list looks at so many answers, newest first. */
const listedEvents = 5000;
const sessionsMax = 500;
/** An export ends when it has so many characters. */
const exportCharsMax = 16_777_216;
const scansMax = 4;

/** What holds the text `session`. */
const types = ['chat_answered', 'chat_failed', 'prompt_refused', 'request_started'] as const;

export interface KeptSession {
  id: string;
  /** Who answered last: a language model, or the built-in assistant. */
  mode: 'model' | 'navigator';
  /** Wall time of its first and last answer, as far as they were looked at. */
  created_ms: number;
  last_used_ms: number;
  answers: number;
}

export interface KeptAnswer {
  index: number;
  time_ms: number;
  engine: string;
  model: string;
  /** Absent once erased or pruned. */
  prompt?: string;
  answer?: string;
}

interface Found {
  event: StoredEvent;
  texts: Record<string, string>;
}

/**
 * The conversations of /chat as the ledger holds them. There is no other record of them, so what is erased or pruned there is gone here, and
 * they are found by reading the texts, as the erasure itself does. A session belongs to the key or the person that it was held with; without
 * either, to whoever is on this machine without one.
 */
export class KeptSessions {
  readonly #ledger: Pick<Ledger, 'query' | 'texts' | 'erase'>;
  #scans = 0;

  constructor(ledger: Pick<Ledger, 'query' | 'texts' | 'erase'>) {
    this.#ledger = ledger;
  }

  /** The sessions of a caller, the last used first. `complete` is false where older answers were not looked at. */
  list(owner: string | null, signal: AbortSignal): Promise<{ sessions: KeptSession[]; complete: boolean }> {
    return this.#scan(async () => {
      const sessions = new Map<string, KeptSession>();
      let looked = 0;
      for await (const { event, texts } of this.#found('chat_answered', owner, signal, () => looked++)) {
        if (looked > listedEvents || sessions.size > sessionsMax) break;
        const id = texts.session;
        if (id === undefined) continue;
        const mode = event.data.engine === 'navigator' ? 'navigator' : 'model';
        const { time_ms: last_used_ms } = event;
        const session = sessions.get(id) ?? { id, mode, created_ms: last_used_ms, last_used_ms, answers: 0 };
        sessions.set(id, { ...session, created_ms: event.time_ms, answers: session.answers + 1 });
      }
      const complete = looked <= listedEvents && sessions.size <= sessionsMax;
      return { sessions: [...sessions.values()].slice(0, sessionsMax), complete };
    });
  }

  /** What was said in a session, oldest first; undefined when the caller has none of that id. */
  read(
    id: string,
    owner: string | null,
    signal: AbortSignal,
  ): Promise<{ answers: KeptAnswer[]; complete: boolean } | undefined> {
    return this.#scan(async () => {
      const answers: KeptAnswer[] = [];
      let chars = 0;
      for await (const { event, texts } of this.#found('chat_answered', owner, signal)) {
        if (texts.session !== id) continue;
        const { prompt, answer } = texts;
        chars += (prompt?.length ?? 0) + (answer?.length ?? 0);
        if (chars > exportCharsMax) return { answers: answers.reverse(), complete: false };
        const { index, time_ms, data } = event;
        answers.push({
          index,
          time_ms,
          engine: String(data.engine),
          model: String(data.model),
          ...(prompt === undefined ? {} : { prompt }),
          ...(answer === undefined ? {} : { answer }),
        });
      }
      return answers.length === 0 ? undefined : { answers: answers.reverse(), complete: true };
    });
  }

  /** Erases the texts of a session, its refused and failed prompts too; returns the events, none when the caller has no such session. */
  erase(
    id: string,
    owner: string | null,
    signal: AbortSignal,
  ): Promise<{ indexes: number[]; texts: number }> {
    return this.#scan(async () => {
      const indexes: number[] = [];
      for (const type of types) {
        for await (const { event, texts } of this.#found(type, owner, signal))
          if (texts.session === id) indexes.push(event.index);
      }
      let erased = 0;
      // An erasure takes at most a thousand indexes.
      for (let from = 0; from < indexes.length; from += 1000) {
        const { texts } = await this.#ledger.erase({ ids: indexes.slice(from, from + 1000) });
        erased += texts;
      }
      return { indexes, texts: erased };
    });
  }

  /** Events of a type with the texts of this caller, newest first. */
  async *#found(
    type: (typeof types)[number],
    owner: string | null,
    signal: AbortSignal,
    onLook: () => void = () => undefined,
  ): AsyncGenerator<Found> {
    let until: number | undefined;
    for (;;) {
      if (signal.aborted)
        throw new AppError('shutting_down', 'The client has gone, or the appliance is stopping.');
      const events = await this.#ledger.query({
        type,
        order: 'desc',
        limit: pageEvents,
        ...(until === undefined ? {} : { until }),
      });
      const last = events.at(-1);
      if (last === undefined) return;
      const texts = await this.#ledger.texts(events.map(({ index }) => index));
      for (const [i, event] of events.entries()) {
        onLook();
        const own = texts[i] ?? {};
        if (own.session !== undefined && (own.key ?? null) === owner) yield { event, texts: own };
      }
      if (last.index === 0) return;
      until = last.index - 1;
    }
  }

  /** A scan reads much: only some run at once, whoever asks. */
  async #scan<T>(act: () => Promise<T>): Promise<T> {
    if (this.#scans >= scansMax)
      throw new AppError('rate_limited', 'Sessions are being looked for already; try again.', {
        retryAfterMs: 1000,
      });
    this.#scans += 1;
    try {
      return await act();
    } finally {
      this.#scans -= 1;
    }
  }
}
