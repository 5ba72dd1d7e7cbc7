import type { AdmitOptions, QueueStatus, Slot, SlotOutcome, WaitPlace } from '../contracts/admission.js';
import type { Clock, SetTimer } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import { type AdaptiveLimit, Slots } from './slots.js';

export interface EngineQueueOptions {
  name: string;
  /** Prompts that the engine works on at once: a number from 1, or what learns it. */
  slots: number | AdaptiveLimit;
  /** Prompts that may wait when nothing is shed, at least 0. */
  queueMax: number;
  /** Prompts that may wait now: at most `queueMax`. */
  waitingMax: () => number;
  clock: Clock;
  setTimer: SetTimer;
  /** Called with the time between a slot given and given back. */
  served: (tookMs: number) => void;
}

interface Waiter {
  client: string;
  deadlineMs: number;
  start(slot: Slot): void;
  refuse(reason: unknown): void;
  /** Takes back its timer and its listener. */
  detach(): void;
}

/** Longest delay of a timer; a longer wait is made of several. */
const TIMER_MAX_MS = 2_000_000_000;
/** Weight of the newest measurement in the mean service time. */
const SERVICE_WEIGHT = 0.2;
/** The mean before anything was measured, and the bounds of a retry estimate. */
const SERVICE_DEFAULT_MS = 1000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 300_000;

/**
 * The slots of one engine and who waits for them.
 *
 * Waiting clients stand in a ring; each turn takes the oldest prompt of the client whose turn it is:
 * ```
 * turn ─▶ anna: a1 a2 a3     order of start: a1 b1 c1 a2 b2 a3
 *         ben:  b1 b2
 *         cleo: c1
 * ```
 * A place in it is computed from the ring, which costs as much as there are clients; shedding costs what it sheds; all else is O(1).
 *
 * Whoever comes and would, by the mean time that a slot was held, start after the deadline is refused at once: to wait in vain helps
 * nobody.
 */
export class EngineQueue {
  readonly #options: EngineQueueOptions;
  readonly #slots: Slots;
  #busy = 0;
  #waiting = 0;
  #serviceMs: number | undefined;
  /** Clients in the order of their turns, each with its prompts in the order they came. */
  readonly #ring = new Map<string, Set<Waiter>>();

  /** @throws RangeError when slots or queueMax is no whole number in its range. */
  constructor(options: EngineQueueOptions) {
    const { name, slots, queueMax } = options;
    this.#slots = new Slots(name, slots);
    if (!Number.isSafeInteger(queueMax) || queueMax < 0) {
      throw new RangeError(`queueMax of ${name} must be a whole number from 0, not ${queueMax}`);
    }
    this.#options = options;
  }

  status(): QueueStatus {
    const status: QueueStatus = {
      slots: this.#slots.now(),
      busy: this.#busy,
      waiting: this.#waiting,
      waitingMax: this.#options.waitingMax(),
    };
    const adaptive = this.#slots.status();
    return adaptive === undefined ? status : { ...status, adaptive };
  }

  /** A slot now, or a place in the queue; see `Admission.admit`. */
  enter(options: AdmitOptions): Promise<Slot> {
    const { client, deadlineMs, signal } = options;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#options.clock.monotonicMs() >= deadlineMs) throw this.#tooLate();
      if (this.#busy < this.#slots.now()) {
        this.#assertInvariants();
        resolve(this.#occupy());
        return;
      }
      if (this.#waiting >= this.#options.waitingMax()) throw this.#full();
      const { estimateMs = 0 } = this.#place(client, this.#ring.get(client)?.size ?? 0);
      if (this.#options.clock.monotonicMs() + estimateMs >= deadlineMs) throw this.#inVain(estimateMs);
      this.#wait(options, resolve, reject);
    });
  }

  /** What the engine says of its slots; see `Admission.tellSlots`. */
  tellSlots(slots: number | undefined): void {
    this.#slots.tell(slots);
    this.#dispatch();
  }

  /** The place of a prompt of a client that has `before` others waiting before it. */
  #place(client: string, before: number): WaitPlace {
    let ahead = before;
    // Who stands before the client in the ring has one turn more until then.
    let turns = before + 1;
    for (const [name, waiters] of this.#ring) {
      if (name === client) turns = before;
      else ahead += Math.min(waiters.size, turns);
    }
    const position = ahead + 1;
    if (this.#serviceMs === undefined) return { position };
    return { position, estimateMs: Math.ceil((this.#serviceMs * position) / this.#slots.now()) };
  }

  /** Refuses whoever waits beyond the present bound, the newest of the client with most waiting first. */
  shed(): void {
    while (this.#waiting > this.#options.waitingMax()) {
      let longest: Set<Waiter> | undefined;
      for (const waiters of this.#ring.values()) {
        if (longest === undefined || waiters.size >= longest.size) longest = waiters;
      }
      const newest = Array.from(longest ?? []).at(-1);
      if (newest === undefined)
        throw new Error(`${this.#waiting} wait for ${this.#options.name}, none is found`);
      this.#leave(newest);
      newest.refuse(this.#full());
    }
  }

  /** Refuses everyone who waits. */
  refuseAll(error: () => AppError): void {
    const all = Array.from(this.#ring.values(), (waiters) => Array.from(waiters)).flat();
    for (const waiter of all) {
      this.#leave(waiter);
      waiter.refuse(error());
    }
  }

  #wait(
    { client, deadlineMs, signal, onWait }: AdmitOptions,
    start: (slot: Slot) => void,
    refuse: (reason: unknown) => void,
  ): void {
    const giveUp = () => {
      this.#leave(waiter);
      refuse(signal.reason);
    };
    let cancelTimer = () => {};
    const armTimer = () => {
      const leftMs = deadlineMs - this.#options.clock.monotonicMs();
      // A timer may ring early: by a rounding, or because the wait is longer than a timer can be.
      if (leftMs > 0) {
        cancelTimer = this.#options.setTimer(armTimer, Math.min(Math.ceil(leftMs), TIMER_MAX_MS));
        return;
      }
      this.#leave(waiter);
      refuse(this.#tooLate());
    };
    const waiter: Waiter = {
      client,
      deadlineMs,
      start,
      refuse,
      detach: () => {
        cancelTimer();
        signal.removeEventListener('abort', giveUp);
      },
    };
    signal.addEventListener('abort', giveUp, { once: true });
    const waiters = this.#ring.get(client);
    if (waiters === undefined) this.#ring.set(client, new Set([waiter]));
    else waiters.add(waiter);
    this.#waiting++;
    armTimer();
    this.#assertInvariants();
    onWait?.(() => this.#place(client, [...(this.#ring.get(client) ?? [])].indexOf(waiter)));
  }

  #leave(waiter: Waiter): void {
    const waiters = this.#ring.get(waiter.client);
    if (waiters === undefined || !waiters.delete(waiter)) {
      throw new Error(`a prompt left the queue of ${this.#options.name} twice`);
    }
    if (waiters.size === 0) this.#ring.delete(waiter.client);
    this.#waiting--;
    waiter.detach();
  }

  /** Takes the next prompt by turns; its client goes to the end of the ring. */
  #next(): Waiter | undefined {
    const turn = this.#ring.entries().next();
    if (turn.done === true) return undefined;
    const [client, waiters] = turn.value;
    const [waiter] = waiters;
    if (waiter === undefined) throw new Error(`a client without prompts waits for ${this.#options.name}`);
    this.#leave(waiter);
    if (waiters.size > 0) {
      this.#ring.delete(client);
      this.#ring.set(client, waiters);
    }
    return waiter;
  }

  #occupy(): Slot {
    const busy = ++this.#busy;
    const { clock, served } = this.#options;
    const startedMs = clock.monotonicMs();
    let beganMs: number | undefined;
    let released = false;
    return {
      began: () => {
        beganMs ??= clock.monotonicMs();
      },
      release: (outcome: SlotOutcome = 'ignored') => {
        if (released) return;
        released = true;
        this.#busy--;
        const endedMs = clock.monotonicMs();
        const tookMs = endedMs - startedMs;
        this.#serviceMs =
          this.#serviceMs === undefined
            ? tookMs
            : this.#serviceMs + SERVICE_WEIGHT * (tookMs - this.#serviceMs);
        served(tookMs);
        if (outcome !== 'ignored') {
          this.#slots.learn((beganMs ?? endedMs) - startedMs, busy, outcome === 'dropped');
        }
        this.#dispatch();
      },
    };
  }

  #dispatch(): void {
    while (this.#busy < this.#slots.now()) {
      const waiter = this.#next();
      if (waiter === undefined) break;
      // Its timer may be late on a busy event loop; the deadline holds all the same.
      if (this.#options.clock.monotonicMs() >= waiter.deadlineMs) waiter.refuse(this.#tooLate());
      else waiter.start(this.#occupy());
    }
    this.#assertInvariants();
  }

  #tooLate(): AppError {
    return new AppError(
      'deadline_exceeded',
      `No slot of ${this.#options.name} came free before the deadline`,
    );
  }

  #inVain(estimateMs: number): AppError {
    return new AppError(
      'queue_full',
      `${this.#waiting} prompts wait for ${this.#options.name}; one more would start after about ${Math.ceil(estimateMs / 1000)} s, which is beyond its deadline`,
      { retryAfterMs: Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, estimateMs)) },
    );
  }

  #full(): AppError {
    const { name } = this.#options;
    const serviceMs = this.#serviceMs ?? SERVICE_DEFAULT_MS;
    const estimateMs = Math.ceil((serviceMs * (this.#waiting + 1)) / this.#slots.now());
    return new AppError('queue_full', `${this.#waiting} prompts wait for ${name} and no more may`, {
      retryAfterMs: Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, estimateMs)),
    });
  }

  #assertInvariants(): void {
    const { name, queueMax } = this.#options;
    const { max } = this.#slots;
    // An adaptive limit may fall below what is busy, never below what it may be at most.
    if (this.#busy < 0 || this.#busy > max)
      throw new Error(`${this.#busy} of ${max} slots of ${name} are busy`);
    if (this.#waiting < 0 || this.#waiting > queueMax) {
      throw new Error(`${this.#waiting} wait for ${name}, ${queueMax} may`);
    }
    if (this.#waiting > 0 && this.#busy < this.#slots.now())
      throw new Error(`prompts wait for ${name} beside a free slot`);
  }
}
