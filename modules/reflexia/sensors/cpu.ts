import { type Machine, percent, type Sensor } from './sensor.js';

/** Time of all cores together since boot, in any one unit. */
export interface CpuTimes {
  busy: number;
  total: number;
}

/**
 * The first line of /proc/stat: `cpu user nice system idle iowait irq softirq steal guest guest_nice`, in ticks. Guest time is
 * already part of user time (proc(5)). Waiting for the disk is idle time; time stolen by a hypervisor is not.
 */
export function parseProcStat(text: string): CpuTimes {
  const fields = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.trim().split(/ +/).slice(0, 8).map(Number);
  if (fields === undefined || fields.length < 4) throw new Error('/proc/stat has no line of all cores');
  const total = fields.reduce((sum, ticks) => sum + ticks, 0);
  const idle = fields[3]! + (fields[4] ?? 0);
  return { busy: total - idle, total };
}

/** Percent busy between two readings; undefined when no time has passed between them. */
export function cpuPercent(before: CpuTimes, after: CpuTimes): number | undefined {
  const total = after.total - before.total;
  return total > 0 ? percent(after.busy - before.busy, total) : undefined;
}

/** Percent of all cores since the last reading; the first reading only sets the mark. */
export function cpuSensor(machine: Machine): Sensor<'cpu'> {
  let before: CpuTimes | undefined;
  return {
    name: 'cpu',
    async read(signal) {
      const after =
        machine.platform === 'linux'
          ? parseProcStat(await machine.readText('/proc/stat', signal))
          : machine.cpuTimes();
      const used = before && cpuPercent(before, after);
      before = after;
      return used;
    },
  };
}
