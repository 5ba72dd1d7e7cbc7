import { type Clock, systemClock } from '../contracts/clock.js';
import type { Stamp } from './event.js';
import type { WriterData } from './protocol.js';

/** Milliseconds of the clock that all threads of a process share. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/**
 * When an event of the ledger itself is recorded, on the clock of those that the calling thread sends: the one given, where writer and caller
 * share one.
 */
export function ownStamp({ bootId, monotonicAtZeroMs }: WriterData, clock: Clock): Stamp {
  const monotonicMs = clock === systemClock ? monotonicAtZeroMs + sharedMs() : clock.monotonicMs();
  return {
    bootId,
    timeMs: Math.floor(clock.wallMs()),
    monotonicMs: Math.floor(monotonicMs),
    // The catalogue of types, which knows the versions, stays out of the writer thread; the data of the ledger's own events has its first one.
    v: 1,
  };
}
