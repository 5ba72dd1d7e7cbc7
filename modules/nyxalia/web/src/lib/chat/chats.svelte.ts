import { untrack } from 'svelte';
import { asProblem, call } from '../api/call.js';
import type { Problem } from '../api/problem.js';
import { randomId } from '../clipboard.js';
import { line, nowMs } from '../live/live.svelte.js';
import { ask } from './ask.js';
import { type Conversation, type Message, merged, messagesOf, titleOf } from './conversations.js';

// Where the page once kept conversations; what was typed shall not stay in a browser that others use.
localStorage.removeItem('arkalia.conversations');

/** The conversations that the appliance keeps of whoever uses the page. */
class Chats {
  list = $state<Conversation[]>([]);
  openId = $state<string | undefined>(undefined);
  /** What kept them from being read or named. */
  problem = $state.raw<Problem | undefined>(undefined);
  /** False where the appliance has older ones that it did not look for. */
  complete = $state(true);
  isRead = $state(false);
  /** What was written and not sent yet: it outlives the page of the chat, as when somebody has to sign in again. */
  draft = '';
  #running = new Map<string, AbortController>();
  #loads = 0;

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

  /** Reads the list, and the open conversation where it has grown elsewhere. */
  async load(): Promise<void> {
    const load = ++this.#loads;
    await this.#try(async () => {
      const { sessions, complete } = await call('GET /sessions', {});
      // Somebody else may use the page by now.
      if (load !== this.#loads) return;
      this.list = merged(this.list, sessions);
      this.complete = complete;
      this.isRead = true;
      if (this.open === undefined) this.openId = undefined;
      else await this.read(this.open);
    });
  }

  /** Another person may use the page: nothing of the last one stays. Who only signed in again finds the open one open. */
  #forget(): void {
    this.#loads += 1;
    for (const stop of this.#running.values()) stop.abort();
    this.list = [];
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
    if (!named) conversation.title = before;
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
