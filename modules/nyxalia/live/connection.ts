import { scopesOf } from '../../../runtime/contracts/access.js';
import type { Clock } from '../../../runtime/contracts/clock.js';
import type { Caller, Scope } from '../../../runtime/contracts/http.js';
import { type LiveSocket, socketCloseCodes } from '../../../runtime/contracts/socket.js';
import { type ClientMessage, clientMessage, type ServerMessage, type TopicName } from './messages.js';
import type { Topic, TopicListener } from './topic.js';

/** With more than this waiting for the system, a client gets no events but, once it has caught up, a summary. */
export const waitingBytesMax = 262_144;
/** It has caught up when no more than this waits. */
const caughtUpBytes = 16_384;
const lookMs = 250;
/** Who is behind for longer is closed. */
const behindMsMax = 30_000;
/** Longest silence towards a client. */
const beatMs = 15_000;
/** What everyone who chats sees: who may answer, how long the queue is, and what is shed. The rest tells of the device. */
const openTopics: readonly TopicName[] = ['level', 'engines', 'queue'];
const adminTopics: readonly TopicName[] = ['models'];
/** Messages that a client may send in ten seconds. */
const messagesMax = 60;
const messagesWindowMs = 10_000;

export interface ConnectionOptions {
  socket: LiveSocket;
  caller: Caller;
  topics: ReadonlyMap<TopicName, Topic>;
  boot: string;
  version: string;
  clock: Clock;
}

/** One client of /ws: its subscriptions, and what it gets when it reads too slowly. Memory is bounded by `waitingBytesMax` and one summary a topic. */
export class Connection implements TopicListener {
  readonly #options: ConnectionOptions;
  readonly #scopes: Scope[];
  readonly #subscribed = new Set<Topic>();
  /** Topics with events that were left out, and how many. */
  readonly #missed = new Map<Topic, number>();
  readonly #beat: NodeJS.Timeout;
  #catchUp: NodeJS.Timeout | undefined;
  #behindSinceMs = 0;
  #messages = 0;
  #windowMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { socket, caller, boot, version, clock } = options;
    this.#scopes = scopesOf(caller);
    this.#say({
      type: 'hello',
      boot,
      version,
      role: caller.role,
      scopes: this.#scopes,
      beat_ms: beatMs,
      now_ms: clock.wallMs(),
    });
    this.#beat = setInterval(() => {
      if (this.#missed.size === 0) this.#say({ type: 'beat', now_ms: clock.wallMs() });
    }, beatMs);
    this.#beat.unref();
    socket.onText((text) => this.#hear(text));
    socket.onClose(() => this.#end());
  }

  deliver(topic: Topic, text: string): void {
    const { socket, clock } = this.#options;
    if (this.#missed.size === 0 && socket.waitingBytes <= waitingBytesMax) {
      socket.send(text);
      return;
    }
    this.#missed.set(topic, (this.#missed.get(topic) ?? 0) + 1);
    if (this.#catchUp !== undefined) return;
    this.#behindSinceMs = clock.monotonicMs();
    this.#catchUp = setInterval(() => this.#tryToCatchUp(), lookMs);
    this.#catchUp.unref();
  }

  #tryToCatchUp(): void {
    const { socket, clock } = this.#options;
    if (socket.waitingBytes > caughtUpBytes) {
      if (clock.monotonicMs() - this.#behindSinceMs > behindMsMax) {
        socket.close(socketCloseCodes.tooSlow, 'this client reads too slowly');
        this.#end();
      }
      return;
    }
    clearInterval(this.#catchUp);
    this.#catchUp = undefined;
    const missed = [...this.#missed];
    this.#missed.clear();
    for (const [topic, events] of missed) if (this.#subscribed.has(topic)) socket.send(topic.summary(events));
  }

  #hear(text: string): void {
    const { socket } = this.#options;
    if (socket.waitingBytes > waitingBytesMax) {
      socket.close(socketCloseCodes.tooSlow, 'this client reads too slowly');
      return;
    }
    if (!this.#mayTalk()) {
      socket.close(socketCloseCodes.badMessage, 'too many messages');
      return;
    }
    const message = clientMessage.safeParse(parsed(text));
    if (message.success) this.#obey(message.data);
    else this.#complain('invalid_request', message.error.issues[0]?.message ?? 'not a message');
  }

  #obey(message: ClientMessage): void {
    const { socket, topics, boot } = this.#options;
    const topic = topics.get(message.topic)!;
    if (message.type === 'unsubscribe') {
      this.#subscribed.delete(topic);
      topic.remove(this);
    } else if (adminTopics.includes(message.topic) && !this.#scopes.includes('admin')) {
      this.#complain('forbidden', `${topic.name} needs the role admin and the scope admin`);
    } else if (!openTopics.includes(message.topic) && !this.#scopes.includes('read')) {
      this.#complain('forbidden', `${topic.name} needs the role operator and the scope read`);
    } else if (this.#subscribed.has(topic)) {
      this.#complain('conflict', `${topic.name} is subscribed already`);
    } else {
      this.#subscribed.add(topic);
      const after = message.boot === boot ? message.after : undefined;
      for (const opening of topic.add(this, after)) socket.send(opening);
    }
  }

  #complain(code: string, detail: string): void {
    this.#say({ type: 'error', code, detail });
  }

  #mayTalk(): boolean {
    const now = this.#options.clock.monotonicMs();
    if (now - this.#windowMs > messagesWindowMs) {
      this.#windowMs = now;
      this.#messages = 0;
    }
    this.#messages += 1;
    return this.#messages <= messagesMax;
  }

  #say(message: ServerMessage): void {
    this.#options.socket.send(JSON.stringify(message));
  }

  #end(): void {
    clearInterval(this.#beat);
    clearInterval(this.#catchUp);
    for (const topic of this.#subscribed) topic.remove(this);
    this.#subscribed.clear();
    this.#missed.clear();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
