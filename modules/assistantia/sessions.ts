import type { PromptMessage } from '../../runtime/contracts/sandbox.js';

/**
 * Conversations of /chat in memory, each belonging to the caller that began it. Bounded twice: the conversation unused for longest
 * is forgotten beyond `sessionsMax`, and of each only the last `messagesMax` messages are kept.
 */
export class Sessions {
  readonly #sessionsMax: number;
  readonly #messagesMax: number;
  readonly #sessions = new Map<string, PromptMessage[]>();
  /** How often something was to be forgotten. */
  #forgotten = 0;

  constructor(sessionsMax: number, messagesMax: number) {
    this.#sessionsMax = sessionsMax;
    this.#messagesMax = messagesMax;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** What was said so far, oldest first; empty for a conversation that is new or forgotten. */
  messages(owner: string, session: string): readonly PromptMessage[] {
    return this.#sessions.get(`${owner}\n${session}`) ?? [];
  }

  has(owner: string, session: string): boolean {
    return this.#sessions.has(`${owner}\n${session}`);
  }

  /** Forgets a conversation, whoever began it; all of one owner; or all. */
  forget(which: { session: string } | { owner: string } | 'all'): void {
    this.#forgotten += 1;
    for (const key of this.#sessions.keys()) {
      const [owner, session] = key.split('\n');
      const isMeant =
        which === 'all' || ('session' in which ? session === which.session : owner === which.owner);
      if (isMeant) this.#sessions.delete(key);
    }
  }

  /** Forgets one conversation of one owner. */
  forgetOne(owner: string, session: string): void {
    this.#forgotten += 1;
    this.#sessions.delete(`${owner}\n${session}`);
  }

  /**
   * Called before a conversation is read elsewhere; what that brings, oldest first, is given to the function returned. It is taken in unless
   * the conversation is held by then, or something was to be forgotten meanwhile, which may be in it.
   */
  recalling(owner: string, session: string): (messages: readonly PromptMessage[]) => void {
    const forgotten = this.#forgotten;
    return (messages) => {
      if (messages.length === 0 || forgotten !== this.#forgotten || this.has(owner, session)) return;
      this.add(owner, session, messages);
    };
  }

  /** Adds a finished exchange. */
  add(owner: string, session: string, exchange: readonly PromptMessage[]): void {
    const key = `${owner}\n${session}`;
    const messages = [...(this.#sessions.get(key) ?? []), ...exchange].slice(-this.#messagesMax);
    this.#sessions.delete(key);
    this.#sessions.set(key, messages);
    if (this.#sessions.size > this.#sessionsMax) this.#sessions.delete(this.#sessions.keys().next().value!);
  }
}
