import type { Bus } from '../contracts/bus.js';
import type { Clock } from '../contracts/clock.js';
import type { Degradation, DegradationLevel } from '../contracts/device.js';
import type { Ledger } from '../contracts/ledger.js';
import { limitsAt, servicesAt, shedAt } from './degradation-services.js';

export interface DegradationOptions {
  bus: Bus;
  ledger: Ledger;
  clock: Clock;
}

/**
 * Holds the level in force. It applies at once, and its event follows: a ledger that cannot record must not keep the device from
 * protecting itself; the failure is thrown to the caller.
 */
export function createDegradation({ bus, ledger, clock }: DegradationOptions): Degradation {
  let current: DegradationLevel = 'normal';
  let reason: string | null = null;
  let sinceMs = clock.monotonicMs();
  return {
    level: () => current,
    shed: () => shedAt(current),
    limits: () => limitsAt(current),
    status: () => ({
      reason,
      for_ms: Math.round(clock.monotonicMs() - sinceMs),
      services: servicesAt(current),
    }),
    async set(level, why) {
      if (level === current) return;
      const change = { from: current, to: level, reason: why };
      current = level;
      reason = why;
      sinceMs = clock.monotonicMs();
      bus.publish('level.changed', change);
      await ledger.append({
        type: 'degradation_changed',
        module: 'kernel',
        data: { ...change, shed: shedAt(level) },
      });
    },
  };
}
