import { randomId } from '../clipboard.js';
import { line } from '../live/live.svelte.js';
import { ask } from './ask.js';
import {
  type Conversation,
  type Message,
  readConversations,
  titleOf,
  writeConversations,
} from './conversations.js';

/** The conversations of this browser. */
class Chats {
  list = $state<Conversation[]>(readConversations(localStorage));
  openId = $state<string | undefined>(undefined);
  /** What was written and not sent yet: it outlives the page of the chat, as when somebody has to sign in again. */
  draft = '';
  #running = new Map<string, AbortController>();

  get open(): Conversation | undefined {
    return this.list.find(({ id }) => id === this.openId);
  }

  isRunning(conversation: Conversation | undefined): boolean {
    const state = conversation?.messages.at(-1)?.state;
    return state === 'waiting' || state === 'streaming';
  }

  async send(text: string, model: string | undefined): Promise<void> {
    const conversation = this.open ?? this.#begin(text);
    const now = Date.now();
    conversation.messages.push({ role: 'user', text, state: 'done', at_ms: now });
    await this.#answer(conversation, text, model);
  }

  /** Asks the last question once more; what was answered gives way. */
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

  rename(conversation: Conversation, title: string): void {
    conversation.title = titleOf(title) || conversation.title;
    this.#keep();
  }

  remove(conversation: Conversation): void {
    this.stop(conversation);
    this.list = this.list.filter(({ id }) => id !== conversation.id);
    if (this.openId === conversation.id) this.openId = undefined;
    this.#keep();
  }

  #begin(text: string): Conversation {
    const now = Date.now();
    this.list.unshift({
      id: randomId(),
      title: titleOf(text),
      created_ms: now,
      updated_ms: now,
      messages: [],
    });
    const begun = this.list[0]!;
    this.openId = begun.id;
    return begun;
  }

  async #answer(conversation: Conversation, text: string, model: string | undefined): Promise<void> {
    const stop = new AbortController();
    this.#running.set(conversation.id, stop);
    conversation.messages.push({ role: 'assistant', text: '', state: 'waiting', at_ms: Date.now() });
    const message = conversation.messages.at(-1)!;
    this.#keep();
    await ask({
      text,
      session_id: conversation.session_id,
      model,
      signal: stop.signal,
      onChange: (change: Partial<Message>) => Object.assign(message, change),
      onSession: (id) => {
        conversation.session_id = id;
        if (line.boot !== undefined) conversation.boot = line.boot;
      },
    });
    this.#running.delete(conversation.id);
    conversation.updated_ms = Date.now();
    this.#keep();
  }

  #keep(): void {
    writeConversations(localStorage, $state.snapshot(this.list));
  }
}

export const chats = new Chats();
