import { listIfThere, type Machine, readIfThere } from '../sensor.js';
import type { PowerSource } from './source.js';

const POWERCAP = '/sys/class/powercap';
/** Whole packages and, beside what they count, their memory. Cores and graphics are parts of the package; psys contains it. */
const COUNTED = /^(package-\d+|dram)$/;
const ZONES_MAX = 64;

interface Zone {
  energy: string;
  /** µJ at which its counter starts again. */
  range: number;
}

async function findZones(machine: Machine, signal: AbortSignal): Promise<Zone[]> {
  const names = (await listIfThere(machine, POWERCAP)).filter((name) => /^intel-rapl:\d+(:\d+)?$/.test(name));
  const zones = await Promise.all(
    names.slice(0, ZONES_MAX).map(async (name) => {
      const kind = (await readIfThere(machine, `${POWERCAP}/${name}/name`, signal))?.trim() ?? '';
      const range = Number(await readIfThere(machine, `${POWERCAP}/${name}/max_energy_range_uj`, signal));
      return COUNTED.test(kind) && range > 0 ? [{ energy: `${POWERCAP}/${name}/energy_uj`, range }] : [];
    }),
  );
  return zones.flat();
}

/**
 * Watts from the energy counters of an x86 processor (Linux documentation, power/powercap; AMD's use the same names), which turn over.
 * Kernels since 5.10 let root alone read them, for they betray what is computed (CVE-2020-8694).
 */
export function raplSource(machine: Machine, monotonicMs: () => number): PowerSource {
  let zones: Zone[] | undefined;
  let before: { counts: number[]; atMs: number } | undefined;
  return {
    name: 'rapl',
    async read(signal) {
      if (machine.platform !== 'linux') return undefined;
      zones ??= await findZones(machine, signal);
      const counted = zones;
      if (counted.length === 0) return undefined;
      const counts = (await Promise.all(counted.map(({ energy }) => machine.readText(energy, signal)))).map(
        Number,
      );
      if (counts.some(Number.isNaN)) throw new Error('a counter of energy is not a number');
      const last = before;
      before = { counts, atMs: monotonicMs() };
      if (last === undefined || before.atMs <= last.atMs) return 'later';
      const microjoules = counts.reduce((sum, count, at) => {
        const grown = count - last.counts[at]!;
        return sum + (grown >= 0 ? grown : grown + counted[at]!.range);
      }, 0);
      return microjoules / 1000 / (before.atMs - last.atMs);
    },
  };
}
