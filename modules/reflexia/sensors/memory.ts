import { type Machine, percent, type Sensor } from './sensor.js';

/** Percent of memory not available, from /proc/meminfo: MemAvailable counts caches that can be given back. */
export function parseMeminfo(text: string): number {
  const kilobytes = (field: string) => Number(new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
  const total = kilobytes('MemTotal');
  const available = kilobytes('MemAvailable');
  if (!(total > 0) || Number.isNaN(available))
    throw new Error('/proc/meminfo lacks MemTotal or MemAvailable');
  return percent(total - available, total);
}

/**
 * Percent of memory in use from macOS's vm_stat, as its Activity Monitor counts it: pages of programs that cannot be purged, wired
 * pages, and what the compressor occupies.
 */
export function parseVmStat(text: string, totalBytes: number): number {
  const pageBytes = Number(/page size of (\d+) bytes/.exec(text)?.[1]);
  const pages = (label: string) => Number(new RegExp(`^${label}: +(\\d+)\\.?$`, 'm').exec(text)?.[1]);
  const used =
    pages('Anonymous pages') -
    pages('Pages purgeable') +
    pages('Pages wired down') +
    pages('Pages occupied by compressor');
  if (!(used * pageBytes > 0)) throw new Error('vm_stat lacks one of the fields that memory is counted from');
  return percent(used * pageBytes, totalBytes);
}

export function memorySensor(machine: Machine): Sensor<'ram'> {
  return {
    name: 'ram',
    async read(signal) {
      if (machine.platform === 'linux') return parseMeminfo(await machine.readText('/proc/meminfo', signal));
      if (machine.platform === 'darwin') {
        return parseVmStat(await machine.run('/usr/bin/vm_stat', [], signal), machine.totalMemoryBytes());
      }
      return undefined;
    },
  };
}
