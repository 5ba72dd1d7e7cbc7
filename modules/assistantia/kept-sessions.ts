import { AppError } from '../../runtime/contracts/errors.js';
import type { Ledger, StoredEvent } from '../../runtime/contracts/ledger.js';
import type { PromptMessage } from '../../runtime/contracts/sandbox.js';
import {
  joinedSession,
  type KeptSession,
  listOf,
  type SessionList,
} from '../../runtime/contracts/session-list.js';
import { type KeptTurn, messagesOf, titleOf, turnOf } from './kept-turn.js';

/** Events of which the texts are read at once: some megabytes at worst. */
const pageEvents = 100;
/** A page of the list ends after so many events that were looked at, or conversations that were found or named in them. */
const listPage = { events: 5000, sessions: 500 };
/** For going on with a conversation that memory does not hold; an unknown id costs this. */
const recalledEvents = 1000;
/** An export ends when it has so many characters. */
const exportCharsMax = 16_777_216;
const scansMax = 4;

interface Found {
  event: StoredEvent;
  texts: Record<string, string>;
}

interface Scan {
  /** Whose events are wanted, as `ownerOf` says. */
  owner: string | null;
  signal: AbortSignal;
  /** Only this conversation. */
  id?: string;
  /** Only events at this position or earlier. */
  until?: number | undefined;
  /** Called before an event is looked at, whoever it belongs to; false ends it. */
  goOn?: (index: number) => boolean;
}

/**
 * The conversations of /chat as the ledger holds them. There is no other record of them, so what is erased or pruned there is gone here, and
 * they are found by reading the texts, as the erasure itself does. A session belongs to the key or the person that it was held with; without
 * either, to whoever is on this machine without one.
 */
export class KeptSessions {
  readonly #ledger: Pick<Ledger, 'query' | 'texts' | 'append'>;
  readonly #listPage: typeof listPage;
  #scans = 0;

  constructor(ledger: Pick<Ledger, 'query' | 'texts' | 'append'>, page = listPage) {
    this.#ledger = ledger;
    this.#listPage = page;
  }

  /** A page of a caller's sessions, from a position back; the newest unless given. `joinedLists` makes one list of pages. */
  list(owner: string | null, signal: AbortSignal, until?: number): Promise<SessionList> {
    return this.#scan(async () => {
      const sessions = new Map<string, KeptSession>();
      const titles = new Map<string, string>();
      const ids = new Set<string>();
      let looked = 0;
      let next: number | null = null;
      const goOn = (index: number) => {
        if (looked++ < this.#listPage.events) return true;
        next = index;
        return false;
      };
      for await (const { event, texts } of this.#found({ owner, signal, until, goOn })) {
        const turn = turnOf(event, texts);
        const title = event.type === 'session_named' ? texts.title : undefined;
        if (turn === undefined && title === undefined) continue;
        const { session: id = '' } = texts;
        if (ids.add(id).size > this.#listPage.sessions) {
          next = event.index;
          break;
        }
        if (title !== undefined && !titles.has(id)) titles.set(id, title);
        if (turn === undefined) continue;
        const later = sessions.get(id);
        const earlier = sessionOf(id, turn);
        sessions.set(id, later === undefined ? earlier : joinedSession(later, earlier));
      }
      return { ...listOf(sessions, titles), next };
    });
  }

  /** What was said in a session, oldest first; undefined when the caller has none of that id. */
  read(
    id: string,
    owner: string | null,
    signal: AbortSignal,
  ): Promise<{ title: string; turns: KeptTurn[]; complete: boolean } | undefined> {
    return this.#scan(async () => {
      const turns: KeptTurn[] = [];
      let named: string | undefined;
      let chars = 0;
      for await (const { event, texts } of this.#found({ owner, signal, id })) {
        if (event.type === 'session_named') named ??= texts.title;
        const turn = turnOf(event, texts);
        if (turn === undefined) continue;
        chars += (turn.prompt?.length ?? 0) + (turn.answer?.length ?? 0);
        if (chars > exportCharsMax) break;
        turns.unshift(turn);
      }
      if (turns.length === 0) return undefined;
      const title = named ?? titleOf(turns[0]?.prompt ?? '');
      return { title, turns, complete: chars <= exportCharsMax };
    });
  }

  /** The last messages of a session, for going on with it; looks at the newest events only. */
  async recall(
    id: string,
    owner: string | null,
    { messagesMax, signal }: { messagesMax: number; signal: AbortSignal },
  ): Promise<PromptMessage[]> {
    const messages: PromptMessage[] = [];
    let looked = 0;
    const goOn = () => ++looked <= recalledEvents && messages.length < messagesMax;
    for await (const { event, texts } of this.#found({ owner, signal, id, goOn })) {
      const turn = turnOf(event, texts);
      if (turn !== undefined) messages.unshift(...messagesOf(turn));
    }
    return messages;
  }

  /** Gives a session a title; false when the caller has no such session. */
  name(id: string, owner: string | null, title: string, signal: AbortSignal): Promise<boolean> {
    return this.#scan(async () => {
      for await (const { event, texts } of this.#found({ owner, signal, id })) {
        if (turnOf(event, texts) === undefined) continue;
        await this.#ledger.append({
          type: 'session_named',
          module: 'assistantia',
          data: { chars: title.length },
          texts: { session: id, title, ...(owner === null ? {} : { key: owner }) },
        });
        return true;
      }
      return false;
    });
  }

  /** Events with a session and texts of this caller, newest first. */
  async *#found({ owner, signal, id, until, goOn = () => true }: Scan): AsyncGenerator<Found> {
    let to = until;
    for (;;) {
      if (signal.aborted)
        throw new AppError('shutting_down', 'The client has gone, or the appliance is stopping.');
      const events = await this.#ledger.query({
        module: 'assistantia',
        order: 'desc',
        limit: pageEvents,
        ...(to === undefined ? {} : { until: to }),
      });
      const last = events.at(-1);
      if (last === undefined) return;
      const texts = await this.#ledger.texts(events.map(({ index }) => index));
      for (const [i, event] of events.entries()) {
        if (!goOn(event.index)) return;
        const own = texts[i] ?? {};
        if (own.session === undefined || (own.key ?? null) !== owner) continue;
        if (id === undefined || own.session === id) yield { event, texts: own };
      }
      if (last.index === 0) return;
      to = last.index - 1;
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

/** A conversation of which one turn is known. */
function sessionOf(id: string, { time_ms, engine, prompt = '' }: KeptTurn): KeptSession {
  const mode = engine === undefined ? null : engine === 'navigator' ? 'navigator' : 'model';
  return {
    ...{ id, title: titleOf(prompt), mode },
    ...{ created_ms: time_ms, last_used_ms: time_ms, answers: mode === null ? 0 : 1 },
  };
}
