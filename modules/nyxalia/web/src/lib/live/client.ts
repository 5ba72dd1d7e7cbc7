import type { ServerMessage, TopicEvent, TopicName, TopicSnapshot } from '../../../../live/messages.js';

/** The part of a WebSocket that is used. */
export type SocketLike = Pick<WebSocket, 'onmessage' | 'onclose' | 'send' | 'close'>;

export type LiveState = 'connecting' | 'open' | 'waiting' | 'unauthorized';

export interface LiveOptions {
  open(): SocketLike;
  /** Asked when a socket could not be opened: whether the key is the reason. */
  isUnauthorized(): Promise<boolean>;
  onState(state: LiveState): void;
  onHello(hello: Extract<ServerMessage, { type: 'hello' }>, restarted: boolean): void;
  setTimer(run: () => void, ms: number): unknown;
  clearTimer(timer: unknown): void;
  random(): number;
}

export interface TopicHandlers<T extends TopicName> {
  /** The state of now: at first, after a break that was too long, and when this client was too slow. */
  snapshot(data: TopicSnapshot<T>, missed: number): void;
  event(data: TopicEvent<T>): void;
}

interface Subscription {
  handlers: TopicHandlers<TopicName>;
  /** The last position that was seen. */
  at: number | undefined;
}

const unauthorizedCode = 4401;
const firstWaitMs = 500;
const longestWaitMs = 15_000;
/** A line that says nothing for so many beats is dead. */
const deadBeats = 2;
const openWithinMs = 10_000;

/**
 * Holds one socket open and its subscriptions up. After a break it comes back by itself, ever more patiently, and goes on from the last
 * position of each topic.
 */
export class LiveClient {
  readonly #options: LiveOptions;
  readonly #subscriptions = new Map<TopicName, Subscription>();
  #socket: SocketLike | undefined;
  #state: LiveState = 'waiting';
  #boot: string | undefined;
  #beatMs = openWithinMs / deadBeats;
  #failures = 0;
  #timer: unknown;
  #watchdog: unknown;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Opens now, whatever it waits for: at the start, with a new key, or when the network is back. */
  connect(): void {
    if (this.#state === 'open') return;
    this.#drop();
    this.#turn('connecting');
    const socket = this.#options.open();
    this.#socket = socket;
    let opened = false;
    socket.onmessage = ({ data }) => {
      opened = true;
      this.#watch();
      this.#hear(JSON.parse(String(data)) as ServerMessage);
    };
    socket.onclose = ({ code }) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#options.clearTimer(this.#watchdog);
      void this.#closed(code, opened);
    };
    this.#watch();
  }

  /** Ends for good, or until `connect`. */
  close(): void {
    this.#drop();
    this.#turn('waiting');
  }

  /** One subscription a topic; returns what ends it. */
  subscribe<T extends TopicName>(topic: T, handlers: TopicHandlers<T>): () => void {
    if (this.#subscriptions.has(topic)) throw new RangeError(`the topic ${topic} is subscribed already`);
    const subscription: Subscription = {
      handlers: handlers as unknown as TopicHandlers<TopicName>,
      at: undefined,
    };
    this.#subscriptions.set(topic, subscription);
    if (this.#state === 'open') this.#ask(topic, subscription, false);
    return () => {
      if (this.#subscriptions.get(topic) !== subscription) return;
      this.#subscriptions.delete(topic);
      if (this.#state === 'open') this.#send({ type: 'unsubscribe', topic });
    };
  }

  #hear(message: ServerMessage): void {
    if (message.type === 'hello') {
      const resumed = this.#boot === message.boot;
      const restarted = this.#boot !== undefined && !resumed;
      this.#boot = message.boot;
      this.#beatMs = message.beat_ms;
      this.#failures = 0;
      this.#turn('open');
      this.#options.onHello(message, restarted);
      for (const [topic, subscription] of this.#subscriptions) this.#ask(topic, subscription, resumed);
      return;
    }
    if (message.type !== 'snapshot' && message.type !== 'event' && message.type !== 'summary') return;
    const subscription = this.#subscriptions.get(message.topic);
    if (subscription === undefined) return;
    subscription.at = message.id;
    if (message.type === 'event') subscription.handlers.event(message.data as never);
    else
      subscription.handlers.snapshot(message.data as never, message.type === 'summary' ? message.missed : 0);
  }

  #ask(topic: TopicName, { at }: Subscription, resume: boolean): void {
    const from = resume && at !== undefined ? { boot: this.#boot, after: at } : {};
    this.#send({ type: 'subscribe', topic, ...from });
  }

  #send(message: unknown): void {
    this.#socket?.send(JSON.stringify(message));
  }

  async #closed(code: number, opened: boolean): Promise<void> {
    if (code === unauthorizedCode || (!opened && (await this.#options.isUnauthorized()))) {
      this.#turn('unauthorized');
      return;
    }
    if (this.#socket !== undefined) return;
    this.#turn('waiting');
    const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = this.#options.setTimer(() => this.connect(), wait * (0.5 + this.#options.random() / 2));
  }

  /** Started again with each message. */
  #watch(): void {
    this.#options.clearTimer(this.#watchdog);
    this.#watchdog = this.#options.setTimer(() => this.#socket?.close(), deadBeats * this.#beatMs);
  }

  #drop(): void {
    this.#options.clearTimer(this.#timer);
    this.#options.clearTimer(this.#watchdog);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #turn(state: LiveState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
