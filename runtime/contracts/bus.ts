import type { BreakerCause, BreakerState } from './breaker.js';
import type { DecisionMade } from './decision.js';
import type { DeviceSample, LevelChange } from './device.js';
import type { EraseSelector } from './ledger.js';

/** What travels between modules. A third party's module adds its own names by declaration merging. */
export interface BusEvents {
  'device.sampled': DeviceSample;
  'decision.made': DecisionMade;
  'level.changed': LevelChange;
  'breaker.changed': {
    name: string;
    number: number;
    from: BreakerState;
    to: BreakerState;
    cause: BreakerCause;
    /** When it was made, in whole ms of the monotonic clock. */
    monotonicMs: number;
  };
  /** Texts were erased from the ledger: whoever keeps some in memory forgets them too. */
  'texts.erased': EraseSelector;
  /** A prompt went to an engine; each is followed by one `prompt.ended`. */
  'prompt.began': { engine: string };
  'prompt.ended': {
    engine: string;
    /** Whether the answer was given to its end. */
    done: boolean;
    /** Of the answer, where the engine told. */
    tokens?: number;
  };
  /** An answer was given and is durable: who spoke, in which request, and where the ledger has it. */
  'prompt.answered': { engine: string; model: string; requestId: string; index: number };
  /**
   * What the watchdog says of `http`, `ledger`, `pool` or a `sandbox`: silent for half of its time; stuck, and then killed or the process
   * restarted by whoever keeps it; heard again.
   */
  'watchdog.told': { kind: 'late' | 'stuck' | 'back'; part: string; pid: number; silentMs: number };
  /** A module's account does not agree, and is not to be acted on until it is released. */
  'module.quarantined': { module: string; fault: string };
  'module.released': { module: string };
  'contradiction.detected': { check: string; evidence: Record<string, unknown> };
}

export interface Bus {
  /** Calls every subscriber in order; one that throws is reported and stops no other. */
  publish<K extends keyof BusEvents>(name: K, payload: BusEvents[K]): void;
  /** Returns the function that ends the subscription. */
  subscribe<K extends keyof BusEvents>(name: K, handler: (payload: BusEvents[K]) => void): () => void;
}
