import { readFileSync } from 'node:fs';

/** A file of /proc, or null where there is none. */
function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Resident memory of a process in MiB; null where there is no /proc. */
export function residentMiB(pid: number): number | null {
  const status = readProc(`/proc/${pid}/status`);
  return status === null ? null : Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** Processor time that a process has used, its threads included, in user and system mode, in seconds; null where there is no /proc. */
export function cpuSeconds(pid: number): number | null {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // Behind the name, which may hold spaces: the 14th and 15th field, in ticks that Linux shows as hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Seconds that the garbage collector has taken of the server's HTTP thread, from its metrics. */
export async function collectorSeconds(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  let seconds = 0;
  for (const [, sum] of metrics.matchAll(/^nodejs_gc_duration_seconds_sum\{[^}]*\} (\S+)$/gm))
    seconds += Number(sum);
  return seconds;
}

/** What is not readable here says so. */
export const shown = (value: number | null, unit: string): string =>
  value === null ? 'not readable' : `${value} ${unit}`;
