import { untrack } from 'svelte';
import { asProblem, call } from '../api/call.js';
import type { Problem } from '../api/problem.js';
import { randomId } from '../clipboard.js';
import { line, nowMs } from '../live/live.svelte.js';
import { ask } from './ask.js';
import { type Conversation, type Message, merged, messagesOf, titleOf } from './conversations.js';
import { type Listing, readOn, without, withTitle } from './listing.js';

// Where the page once kept conversations; what was typed shall not stay in a browser that others use.
localStorage.removeItem('arkalia.conversations');

/** The conversations that the appliance keeps of whoever uses the page. */
class Chats {
  list = $state<Conversation[]>([]);
  openId = $state<string | undefined>(undefined);
  /** What kept them from being read or named. */
  problem = $state.raw<Problem | undefined>(undefined);
  /** Whether the appliance has older events to look through. */
  hasOlder = $state(false);
  /** Whether the last look, which went back a bounded way, found no other conversation. */
  foundNone = $state(false);
  /** Whether the list is being read: from the newest, or on behind what it shows. */
  looking = $state<'anew' | 'on' | undefined>(undefined);
  isRead = $state(false);
  /** What was written and not sent yet: it outlives the page of the chat, as when somebody has to sign in again. */
  draft = '';
  #running = new Map<string, AbortController>();
  #loads = 0;
  #listing: Listing | undefined;
  /** How many pages of the list are wanted: what was shown once is shown again. */
  #pages = 1;

  constructor() {
    $effect.root(() => {
      $effect(() => {
        if (line.callers > 0) untrack(() => this.#forget());
      });
    });
  }

  get open(): Conversation | undefined {
    return this.list.find(({ id }) => id === this.openId);
  }

  isRunning(conversation: Conversation | undefined): boolean {
    const state = conversation?.messages.at(-1)?.state;
    return state === 'waiting' || state === 'streaming';
  }

  /** Reads the list anew, as far back as it was shown, and the open conversation where it has grown elsewhere. */
  load(): Promise<void> {
    return this.#look(undefined, this.#pages);
  }

  /** Goes on with the list behind what it shows. */
  async older(): Promise<void> {
    if (this.looking !== undefined || !this.hasOlder) return;
    this.#pages += 1;
    await this.#look(this.#listing, 1);
  }

  async #look(from: Listing | undefined, pages: number): Promise<void> {
    const load = ++this.#loads;
    // Somebody else may use the page by then, or a later look be under way.
    const isWanted = () => load === this.#loads;
    this.looking = from === undefined ? 'anew' : 'on';
    try {
      await this.#try(async () => {
        const page = (until: number | undefined) => call('GET /sessions', { query: { until } });
        const listing = await readOn(page, { from, pages, isWanted });
        if (!isWanted()) return;
        this.#listing = listing;
        this.#pages = listing.pages;
        this.list = merged(this.list, listing.sessions);
        this.hasOlder = listing.next !== null;
        this.foundNone = this.hasOlder && listing.sessions.length === (from?.sessions.length ?? 0);
        this.isRead = true;
        if (this.open === undefined) this.openId = undefined;
        else await this.read(this.open);
      });
    } finally {
      if (isWanted()) this.looking = undefined;
    }
  }

  /** Another person may use the page: nothing of the last one stays. Who only signed in again finds the open one open. */
  #forget(): void {
    this.#loads += 1;
    for (const stop of this.#running.values()) stop.abort();
    this.list = [];
    this.#listing = undefined;
    this.hasOlder = false;
    this.foundNone = false;
    this.looking = undefined;
    this.problem = undefined;
    this.isRead = false;
  }

  async choose(id: string | undefined): Promise<void> {
    this.openId = id;
    if (this.open !== undefined) await this.read(this.open);
  }

  /** Reads what was said, unless it is there. */
  async read(conversation: Conversation): Promise<void> {
    if (conversation.state !== 'listed' || this.isRunning(conversation)) return;
    await this.#try(async () => {
      const { turns } = await call('GET /sessions/{id}', { path: { id: conversation.id } });
      if (conversation.state !== 'listed') return;
      conversation.messages = messagesOf(turns);
      conversation.answers = turns.filter(({ refused }) => refused === undefined).length;
      conversation.state = 'read';
    });
  }

  async send(text: string, model: string | undefined): Promise<void> {
    const conversation = this.open ?? this.#begin(text);
    conversation.messages.push({ role: 'user', text, state: 'done', at_ms: nowMs() });
    await this.#answer(conversation, text, model);
  }

  /** Asks the last question once more; what was answered gives way on the page. */
  async retry(conversation: Conversation, model: string | undefined): Promise<void> {
    const asked = conversation.messages.findLastIndex(({ role }) => role === 'user');
    const question = conversation.messages[asked];
    if (question === undefined) return;
    conversation.messages.splice(asked + 1);
    await this.#answer(conversation, question.text, model);
  }

  stop(conversation: Conversation): void {
    this.#running.get(conversation.id)?.abort();
  }

  async rename(conversation: Conversation, text: string): Promise<void> {
    const title = titleOf(text);
    const before = conversation.title;
    if (title === '' || title === before) return;
    conversation.title = title;
    const named = await this.#try(() =>
      call('POST /sessions/{id}/title', { path: { id: conversation.id }, body: { title } }),
    );
    conversation.title = named ? title : before;
    if (named) this.#relist((listing) => withTitle(listing, conversation.id, title));
  }

  /** Brings the listing along with what was done here; what is being read may be from before. */
  #relist(change: (listing: Listing) => Listing): void {
    if (this.#listing !== undefined) this.#listing = change(this.#listing);
    if (this.looking !== undefined) void this.load();
  }

  /** Erases it at the appliance. @throws Problem */
  async remove(conversation: Conversation): Promise<void> {
    const { id } = conversation;
    this.stop(conversation);
    try {
      await call('DELETE /sessions/{id}', { path: { id } });
    } catch (error) {
      // Nothing of it was recorded, or it was erased elsewhere.
      if (asProblem(error).code !== 'not_found') throw error;
    }
    this.list = this.list.filter((one) => one.id !== id);
    if (this.openId === id) this.openId = undefined;
    this.#relist((listing) => without(listing, id));
  }

  #begin(text: string): Conversation {
    const id = randomId();
    const now = nowMs();
    this.list.unshift({ id, title: titleOf(text), updated_ms: now, answers: 0, state: 'here', messages: [] });
    this.openId = id;
    return this.list[0]!;
  }

  async #answer(conversation: Conversation, text: string, model: string | undefined): Promise<void> {
    const stop = new AbortController();
    this.#running.set(conversation.id, stop);
    conversation.messages.push({ role: 'assistant', text: '', state: 'waiting', at_ms: nowMs() });
    const message = conversation.messages.at(-1)!;
    await ask({
      text,
      session_id: conversation.id,
      model,
      signal: stop.signal,
      onChange: (change: Partial<Message>) => Object.assign(message, change),
    });
    this.#running.delete(conversation.id);
    conversation.updated_ms = nowMs();
    if (message.state === 'done') conversation.answers += 1;
  }

  /** False when it failed of something that can be worded; then that is the problem shown. */
  async #try(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      this.problem = undefined;
      return true;
    } catch (error) {
      this.problem = asProblem(error);
      return false;
    }
  }
}

export const chats = new Chats();
