import { type Machine, percent, type Sensor } from './sensor.js';

/** Time of one core, or of all together, since boot, in any one unit. */
export interface CpuTimes {
  busy: number;
  total: number;
}

/** The fields behind a name of /proc/stat; undefined when they are too few. */
function timesOf(fields: string | undefined): CpuTimes | undefined {
  const ticks = fields?.trim().split(/ +/).slice(0, 8).map(Number);
  if (ticks === undefined || ticks.length < 4) return undefined;
  const total = ticks.reduce((sum, value) => sum + value, 0);
  const idle = ticks[3]! + (ticks[4] ?? 0);
  return { busy: total - idle, total };
}

/**
 * The first line of /proc/stat: `cpu user nice system idle iowait irq softirq steal guest guest_nice`, in ticks. Guest time is
 * already part of user time (proc(5)). Waiting for the disk is idle time; time stolen by a hypervisor is not.
 */
export function parseProcStat(text: string): CpuTimes {
  const times = timesOf(/^cpu +([\d ]+)$/m.exec(text)?.[1]);
  if (times === undefined) throw new Error('/proc/stat has no line of all cores');
  return times;
}

/** The lines of the cores that are on, by their number: a core that is switched off has none. */
export function parseCoreStats(text: string): Map<number, CpuTimes> {
  const cores = new Map<number, CpuTimes>();
  for (const [, number, fields] of text.matchAll(/^cpu(\d+) +([\d ]+)$/gm)) {
    const times = timesOf(fields);
    if (times !== undefined) cores.set(Number(number), times);
  }
  return cores;
}

/** Percent busy between two readings; undefined when no time has passed between them. */
export function cpuPercent(before: CpuTimes, after: CpuTimes): number | undefined {
  const total = after.total - before.total;
  return total > 0 ? percent(after.busy - before.busy, total) : undefined;
}

function sum(cores: readonly CpuTimes[]): CpuTimes {
  return cores.reduce((all, { busy, total }) => ({ busy: all.busy + busy, total: all.total + total }), {
    busy: 0,
    total: 0,
  });
}

/** Over how long the share is told. */
export interface CpuWindow {
  ms: number;
  nowMs: () => number;
}

/**
 * Percent of all cores over the window, or since the first reading as long as that is shorter; without a window since the last reading. The
 * first reading only sets the mark. A window, because an answer of some seconds by a model on this device takes all cores, and that is its
 * work and no overload.
 */
export function cpuSensor(machine: Machine, window: CpuWindow = { ms: 0, nowMs: () => 0 }): Sensor<'cpu'> {
  /** Oldest first; the first is at least a window old once there was one that is. */
  const marks: { atMs: number; times: CpuTimes }[] = [];
  return {
    name: 'cpu',
    async read(signal) {
      const after =
        machine.platform === 'linux'
          ? parseProcStat(await machine.readText('/proc/stat', signal))
          : sum(machine.coreTimes());
      const atMs = window.nowMs();
      while (marks.length > 1 && atMs - marks[1]!.atMs >= window.ms) marks.shift();
      const used = marks[0] && cpuPercent(marks[0].times, after);
      // Counters that went back are begun anew.
      if (used === undefined) marks.length = 0;
      marks.push({ atMs, times: after });
      return used;
    },
  };
}
