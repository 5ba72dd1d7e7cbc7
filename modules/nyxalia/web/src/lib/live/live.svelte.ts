import type { TopicName, TopicSnapshot } from '../../../../live/messages.js';
import { session } from '../session.svelte.js';
import { LiveClient, type LiveState, type TopicHandlers } from './client.js';

/** What the whole page shows of the line to the appliance. */
class Line {
  state = $state<LiveState>('connecting');
  role = $state<string>('user');
  /** What the caller may do; none is known before the line is open. */
  scopes = $state.raw<readonly string[]>([]);
  /** The appliance's clock minus ours. */
  skewMs = $state(0);
  boot = $state<string | undefined>(undefined);
}

export const line = new Line();

const client = new LiveClient({
  open: () => {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const key = session.key === null ? [] : [`arkalia.key.${session.key}`];
    return new WebSocket(`${scheme}//${location.host}/ws`, ['arkalia.v1', ...key]);
  },
  isUnauthorized: () => session.check(),
  onState: (state) => {
    line.state = state;
    if (state === 'unauthorized') void lookAgain();
  },
  onHello: ({ boot, role, scopes, now_ms }) => {
    line.boot = boot;
    line.role = role;
    line.scopes = scopes;
    line.skewMs = now_ms - Date.now();
  },
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (timer) => clearTimeout(timer as number),
  random: Math.random,
});

/** The appliance's clock. */
export function nowMs(): number {
  return Date.now() + line.skewMs;
}

export function connect(): void {
  client.connect();
}

/** With another key, or none. */
export function reconnect(): void {
  client.close();
  client.connect();
}

/** Whose key or login ended may still be let in, as anybody on the device itself is: then with what that lets through. */
async function lookAgain(): Promise<void> {
  if (!(await session.check())) reconnect();
}

/** To be called in an effect: the subscription ends with it. */
export function follow<T extends TopicName>(topic: T, handlers: TopicHandlers<T>): () => void {
  const known = followers.get(topic);
  if (known === undefined) {
    const shared = new Shared<T>(topic);
    followers.set(topic, shared as unknown as Shared<TopicName>);
    shared.add(handlers);
    shared.end = client.subscribe(topic, shared);
  } else {
    (known as unknown as Shared<T>).add(handlers);
  }
  return () => {
    const shared = followers.get(topic) as unknown as Shared<T>;
    if (!shared.remove(handlers)) return;
    followers.delete(topic);
    shared.end();
  };
}

/** A topic that several parts of the page follow is subscribed once; one that holds no state has one follower only. */
class Shared<T extends TopicName> implements TopicHandlers<T> {
  readonly #all = new Set<TopicHandlers<T>>();
  readonly #isState: boolean;
  #last: TopicSnapshot<T> | undefined;
  end = () => {};

  constructor(topic: T) {
    this.#isState = topic !== 'device' && topic !== 'decisions';
  }

  add(handlers: TopicHandlers<T>): void {
    this.#all.add(handlers);
    if (this.#last !== undefined) handlers.snapshot(this.#last, 0);
  }

  /** Whether none is left. */
  remove(handlers: TopicHandlers<T>): boolean {
    this.#all.delete(handlers);
    return this.#all.size === 0;
  }

  snapshot(data: TopicSnapshot<T>, missed: number): void {
    if (this.#isState) this.#last = data;
    for (const one of this.#all) one.snapshot(data, missed);
  }

  event(data: Parameters<TopicHandlers<T>['event']>[0]): void {
    if (this.#isState) this.#last = data as TopicSnapshot<T>;
    for (const one of this.#all) one.event(data);
  }
}
const followers = new Map<TopicName, Shared<TopicName>>();

type StateTopic = Exclude<TopicName, 'device' | 'decisions'>;

/** The newest state of a topic, as a rune: undefined until it is told. Call it while a component is set up. */
export function latest<T extends StateTopic>(topic: T): { readonly now: TopicSnapshot<T> | undefined } {
  let now = $state.raw<TopicSnapshot<T> | undefined>(undefined);
  const take = (data: unknown) => {
    now = data as TopicSnapshot<T>;
  };
  $effect(() => follow(topic, { snapshot: take, event: take }));
  return {
    get now() {
      return now;
    },
  };
}
