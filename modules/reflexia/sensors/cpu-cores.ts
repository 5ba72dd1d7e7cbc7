import { type CpuTimes, cpuPercent, parseCoreStats } from './cpu.js';
import type { Machine, Sensor } from './sensor.js';

const CORES_MAX = 256;

/** Percent of each core since the last reading, in the order of their numbers; a core that was off meanwhile is left out. */
export function cpuCoresSensor(machine: Machine): Sensor<'cpu_cores'> {
  let before: Map<number, CpuTimes> | undefined;
  return {
    name: 'cpu_cores',
    async read(signal) {
      const after =
        machine.platform === 'linux'
          ? parseCoreStats(await machine.readText('/proc/stat', signal))
          : new Map(machine.coreTimes().entries());
      const last = before;
      before = after;
      if (last === undefined) return undefined;
      const shares = [...after].slice(0, CORES_MAX).flatMap(([core, times]) => {
        const earlier = last.get(core);
        return (earlier && cpuPercent(earlier, times)) ?? [];
      });
      return shares.length === 0 ? undefined : shares;
    },
  };
}
