import { type Machine, readIfThere, type Sensor } from './sensor.js';

/**
 * The share of the last 10 s in which some task waited, from a file of /proc/pressure:
 * `some avg10=1.23 avg60=0.80 avg300=0.20 total=123456` (Linux documentation, accounting/psi).
 */
export function parsePressure(text: string): number {
  const share = Number(/^some avg10=(\d+\.\d+) /m.exec(text)?.[1]);
  if (!(share >= 0 && share <= 100)) throw new Error('/proc/pressure answered in a form that is not known');
  return share;
}

const files = { cpu_pressure: 'cpu', memory_pressure: 'memory', io_pressure: 'io' } as const;

/**
 * Percent of the last 10 s in which some task waited for a core, for memory or for the disk. A kernel has it when it was built with
 * PSI; Raspberry Pi OS wants `psi=1` on the kernel's command line, and without it opening the file fails.
 */
export function pressureSensor<K extends keyof typeof files>(machine: Machine, name: K): Sensor<K> {
  return {
    name,
    async read(signal) {
      if (machine.platform !== 'linux') return undefined;
      const text = await readIfThere(machine, `/proc/pressure/${files[name]}`, signal);
      return text === undefined ? undefined : parsePressure(text);
    },
  };
}
