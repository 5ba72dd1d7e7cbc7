import type { Admission, AdmitOptions, QueueStatus, Slot } from '../contracts/admission.js';
import type { Clock } from '../contracts/clock.js';
import type { DegradationLevel } from '../contracts/device.js';
import { AppError } from '../contracts/errors.js';
import { FairQueue } from './fair-queue.js';
import { servedAt, waitingMaxAt } from './shed.js';

/** Starts a timer; returns what cancels it. */
export type SetTimer = (run: () => void, ms: number) => () => void;

export interface AdmissionOptions {
  /** Slots and places in the queue by engine. */
  engines: Readonly<Record<string, { slots: number; queue_max: number }>>;
  level: () => DegradationLevel;
  clock: Clock;
  setTimer?: SetTimer;
}

interface Waiter {
  client: string;
  grant: (slot: Slot) => void;
  refuse: (error: AppError) => void;
}

interface Queue {
  slots: number;
  queueMax: number;
  busy: number;
  waiting: FairQueue<Waiter>;
  /** Moving average of how long a slot is held. */
  heldMs: number;
}

const HELD_MS_FIRST = 5000;
const HELD_WEIGHT = 0.2;

const realTimer: SetTimer = (run, ms) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Hands out the slots of each engine: at once when one is free, else in turn between clients, never past a deadline. */
export class EngineAdmission implements Admission {
  readonly #options: AdmissionOptions;
  readonly #setTimer: SetTimer;
  readonly #queues: Map<string, Queue>;
  #closed = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#setTimer = options.setTimer ?? realTimer;
    this.#queues = new Map(
      Object.entries(options.engines).map(([name, { slots, queue_max }]) => [
        name,
        {
          slots,
          queueMax: queue_max,
          busy: 0,
          waiting: new FairQueue<Waiter>((waiter) => waiter.client),
          heldMs: HELD_MS_FIRST,
        },
      ]),
    );
  }

  async admit(engine: string, options: AdmitOptions): Promise<Slot> {
    const queue = this.#queues.get(engine);
    if (queue === undefined) throw new RangeError(`there is no queue for the engine ${engine}`);
    this.#mayEnter(engine, options);
    if (queue.busy < queue.slots && queue.waiting.size === 0) return this.#slot(queue);
    const waitingMax = waitingMaxAt(this.#options.level(), queue.queueMax);
    if (queue.waiting.size >= waitingMax) {
      throw new AppError('queue_full', `The engine ${engine} is busy and its queue is full.`, {
        retryAfterMs: (queue.heldMs * (queue.waiting.size + 1)) / queue.slots,
      });
    }
    return this.#wait(engine, queue, options);
  }

  status(): Record<string, QueueStatus> {
    const level = this.#options.level();
    return Object.fromEntries(
      [...this.#queues].map(([name, queue]) => [
        name,
        {
          slots: queue.slots,
          busy: queue.busy,
          waiting: queue.waiting.size,
          waitingMax: waitingMaxAt(level, queue.queueMax),
        },
      ]),
    );
  }

  /** Refuses whatever waits, and whatever comes. */
  close(): void {
    this.#closed = true;
    for (const queue of this.#queues.values()) {
      for (let waiter = queue.waiting.take(); waiter !== undefined; waiter = queue.waiting.take())
        waiter.refuse(shuttingDown());
    }
  }

  #mayEnter(engine: string, { deadlineMs, signal }: AdmitOptions): void {
    if (this.#closed || signal.aborted) throw shuttingDown();
    if (!servedAt(this.#options.level(), engine)) {
      throw new AppError(
        'degraded',
        `The appliance is at the level ${this.#options.level()} and has shed the engine ${engine} to stay up.`,
        {
          retryAfterMs: 30_000,
        },
      );
    }
    if (this.#options.clock.monotonicMs() >= deadlineMs) throw tooLate();
  }

  #wait(engine: string, queue: Queue, { client, deadlineMs, signal }: AdmitOptions): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        client,
        grant: (slot) => {
          leave();
          resolve(slot);
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const giveUp = (error: AppError) => {
        if (queue.waiting.remove(waiter)) waiter.refuse(error);
      };
      const onAbort = () => giveUp(shuttingDown());
      const cancel = this.#setTimer(
        () => giveUp(tooLate(`It waited for the engine ${engine} until its deadline.`)),
        Math.min(deadlineMs - this.#options.clock.monotonicMs(), 2 ** 31 - 1),
      );
      signal.addEventListener('abort', onAbort, { once: true });
      queue.waiting.add(waiter);
    });
  }

  #slot(queue: Queue): Slot {
    queue.busy += 1;
    const sinceMs = this.#options.clock.monotonicMs();
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        queue.busy -= 1;
        queue.heldMs += (this.#options.clock.monotonicMs() - sinceMs - queue.heldMs) * HELD_WEIGHT;
        const next = queue.waiting.take();
        next?.grant(this.#slot(queue));
      },
    };
  }
}

function shuttingDown(): AppError {
  return new AppError(
    'shutting_down',
    'The request was given up: its client has gone, or the appliance is stopping.',
  );
}

function tooLate(message = 'The deadline of the request passed before it could start.'): AppError {
  return new AppError('deadline_exceeded', message);
}
