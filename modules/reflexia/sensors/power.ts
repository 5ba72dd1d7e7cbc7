import type { PowerReading } from '../../../runtime/contracts/device.js';
import type { PowerSource } from './power/source.js';
import type { Sensor } from './sensor.js';

function reading(source: PowerReading['source'], watts: number, problems: string[]): PowerReading {
  return {
    watts: Math.round(watts * 1000) / 1000,
    source,
    estimated: source === 'model',
    ...(problems.length === 0 ? {} : { instead_of: problems.join('; ') }),
  };
}

/**
 * Power of the device by the first source that tells it; one that this device does not have is not asked again, one that fails gives way to
 * the next for this time. Polled every 10 s: two of the sources start a program.
 */
export function powerSensor(sources: readonly PowerSource[]): Sensor<'power'> {
  const missing = new Set<PowerSource>();
  return {
    name: 'power',
    everyMs: 10_000,
    async read(signal) {
      const problems: string[] = [];
      for (const source of sources) {
        if (missing.has(source)) continue;
        let watts: Awaited<ReturnType<PowerSource['read']>>;
        try {
          watts = await source.read(signal);
        } catch (error) {
          problems.push(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
          continue;
        }
        if (watts === 'later') return undefined;
        if (watts === undefined) missing.add(source);
        else return reading(source.name, watts, problems);
      }
      if (problems.length > 0) throw new Error(problems.join('; '));
      return undefined;
    },
  };
}
