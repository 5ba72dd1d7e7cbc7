import { errorCode, type Machine } from '../sensor.js';
import type { PowerSource } from './source.js';

/** How long it measures. */
const SAMPLE_MS = '200';

/**
 * Watts from macOS's powermetrics(1): `Combined Power (CPU + GPU + ANE): 89 mW`, before macOS 13 `Package Power: 2151 mW`, on Intel's
 * processors `Intel energy model derived package power (CPUs+GT+SA): 8.53W`.
 */
export function parsePowermetrics(output: string): number | undefined {
  const [, value, unit] =
    /^(?:Combined Power \(CPU \+ GPU \+ ANE\)|Package Power|Intel energy model derived package power \(CPUs\+GT\+SA\)): (\d+(?:\.\d+)?) ?(m?W)$/m.exec(
      output,
    ) ?? [];
  if (value === undefined) return undefined;
  return unit === 'W' ? Number(value) : Number(value) / 1000;
}

/**
 * Watts of a Mac's processor, graphics and neural engine; screen and disk are not in it, nor memory from macOS 13 on. macOS tells them to root alone, so for
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
