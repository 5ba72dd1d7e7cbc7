import type { Admission, AdmitOptions, Slot } from '../contracts/admission.js';
import { type Clock, type SetTimer, systemTimer } from '../contracts/clock.js';
import type { DegradationLevel } from '../contracts/device.js';
import { AppError } from '../contracts/errors.js';
import { limitsAt, shedAt } from '../kernel/degradation-services.js';
import { EngineQueue } from './queue.js';
import type { AdaptiveLimit } from './slots.js';

export interface EngineCapacity {
  /** Prompts that the engine works on at once: a number from 1, or what learns it. */
  slots: number | AdaptiveLimit;
  /** Prompts that may wait for a slot when nothing is shed, at least 0. */
  queueMax: number;
}

export interface AdmissionOptions {
  /** Every engine there is, by name. All but `navigator` run a language model. */
  engines: Readonly<Record<string, EngineCapacity>>;
  /** The degradation level in force; read at every admission. */
  level: () => DegradationLevel;
  clock: Clock;
  /** Called with the time between a slot given and given back. */
  onServed?: (engine: string, tookMs: number) => void;
  /** Defaults to the timers of the process. */
  setTimer?: SetTimer;
}

export interface ClosableAdmission extends Admission {
  /** To be called when the level has changed: refuses who waits and may no longer. */
  levelChanged(): void;
  /** Refuses everyone who waits, and everyone from now on, with `shutting_down`; what has a slot goes on. */
  close(): void;
}

/**
 * Admits prompts to engines: a bounded queue for each, fair between clients, and less of it as the device degrades.
 * A prompt whose signal aborts while it waits is rejected with the signal's reason.
 * @throws RangeError when an engine has no slot or a queue of negative length.
 */
export function createAdmission(options: AdmissionOptions): ClosableAdmission {
  const { engines, level, clock, setTimer = systemTimer, onServed = () => {} } = options;
  const queues = new Map(
    Object.entries(engines).map(([name, { slots, queueMax }]) => {
      const waitingMax = () => Math.ceil(queueMax * limitsAt(level()).queueShare);
      const served = (tookMs: number) => onServed(name, tookMs);
      return [name, new EngineQueue({ name, slots, queueMax, waitingMax, clock, setTimer, served })];
    }),
  );
  let closed = false;

  return {
    async admit(engine: string, options: AdmitOptions): Promise<Slot> {
      if (closed) throw shuttingDown();
      const queue = queues.get(engine);
      if (queue === undefined) throw new AppError('engine_unavailable', `There is no engine '${engine}'`);
      if (!answers(engine)) throw degraded();
      return queue.enter(options);
    },
    tellSlots: (engine, slots) => queues.get(engine)?.tellSlots(slots),
    status: () => Object.fromEntries(Array.from(queues, ([name, queue]) => [name, queue.status()])),
    levelChanged() {
      for (const [name, queue] of queues) {
        if (answers(name)) queue.shed();
        else queue.refuseAll(degraded);
      }
    },
    close() {
      closed = true;
      for (const queue of queues.values()) queue.refuseAll(shuttingDown);
    },
  };

  function answers(engine: string): boolean {
    const { models, navigator } = limitsAt(level());
    return engine === 'navigator' ? navigator : models;
  }

  function degraded(): AppError {
    return new AppError('degraded', `The appliance has shed ${shedAt(level()).join('; ')}`);
  }
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'The appliance is shutting down and takes no more prompts');
}
