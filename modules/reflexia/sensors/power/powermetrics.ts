import { errorCode, type Machine } from '../sensor.js';
import type { PowerSource } from './source.js';

/** How long it measures. */
const SAMPLE_MS = '200';

/** Watts from `Combined Power (CPU + GPU + ANE): 1172 mW` of macOS's powermetrics(1). */
export function parsePowermetrics(output: string): number | undefined {
  const [, value, unit] =
    /^Combined Power \(CPU \+ GPU \+ ANE\): (\d+(?:\.\d+)?) ?(m?W)$/m.exec(output) ?? [];
  if (value === undefined) return undefined;
  return unit === 'W' ? Number(value) : Number(value) / 1000;
}

/**
 * Watts of a Mac's processor, graphics and neural engine; screen, disk and memory are not in it. macOS tells them to root alone, so for
 * anybody else the first attempt is the last.
 */
export function powermetricsSource(machine: Machine): PowerSource {
  let refused = machine.platform !== 'darwin';
  return {
    name: 'powermetrics',
    async read(signal) {
      if (refused) return undefined;
      try {
        const args = ['--samplers', 'cpu_power', '-n', '1', '-i', SAMPLE_MS];
        return parsePowermetrics(await machine.run('/usr/bin/powermetrics', args, signal));
      } catch (error) {
        refused = errorCode(error) === 'ENOENT' || String(error).includes('superuser');
        if (refused) return undefined;
        throw error;
      }
    },
  };
}
