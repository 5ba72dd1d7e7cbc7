import { firmware } from './firmware.js';
import { kernelThrottling } from './kernel-throttling.js';
import type { Machine, Sensor } from './sensor.js';

/** Bits of `vcgencmd get_throttled` (Raspberry Pi documentation, "os/using-vcgencmd"); the same 16 bits higher: has been so since boot. */
const bits = ['under_voltage', 'frequency_capped', 'throttled', 'soft_temperature_limit'] as const;
type ThrottleCause = (typeof bits)[number];

export interface ThrottleState {
  now: ThrottleCause[];
  sinceBoot: ThrottleCause[];
}

/** Parses `throttled=0x50005`. */
export function parseThrottled(output: string): ThrottleState {
  const hex = /^throttled=0x([0-9a-f]{1,8})$/i.exec(output.trim())?.[1];
  if (hex === undefined) throw new Error('vcgencmd get_throttled answered in a form that is not known');
  const value = Number.parseInt(hex, 16);
  const set = (shift: number) => bits.filter((_, bit) => (value >>> (bit + shift)) & 1);
  return { now: set(0), sinceBoot: set(16) };
}

/**
 * Whether the processor is slowed now: by a Pi's firmware, else by the kernel of an x86 machine. Low voltage alone is a warning; the cap
 * that follows it has its own bit.
 */
export function throttledSensor(machine: Machine): Sensor<'throttled'> {
  const ask = firmware(machine, ['get_throttled']);
  const kernel = kernelThrottling(machine);
  return {
    name: 'throttled',
    async read(signal) {
      const output = await ask(signal);
      if (output === undefined) return kernel(signal);
      return parseThrottled(output).now.some((cause) => cause !== 'under_voltage');
    },
  };
}
