import type { Bus } from '../contracts/bus.js';
import type { Degradation, DegradationLevel } from '../contracts/device.js';
import type { Ledger } from '../contracts/ledger.js';

export interface DegradationOptions {
  bus: Bus;
  ledger: Ledger;
  shedAt: (level: DegradationLevel) => string[];
}

/**
 * Holds the level in force. It applies at once, and its event follows: a ledger that cannot record must not keep the device from
 * protecting itself; the failure is thrown to the caller.
 */
export function createDegradation({ bus, ledger, shedAt }: DegradationOptions): Degradation {
  let current: DegradationLevel = 'normal';
  return {
    level: () => current,
    shed: () => shedAt(current),
    async set(level, reason) {
      if (level === current) return;
      const change = { from: current, to: level, reason };
      current = level;
      bus.publish('level.changed', change);
      await ledger.append({
        type: 'degradation_changed',
        module: 'kernel',
        data: { ...change, shed: shedAt(level) },
      });
    },
  };
}
