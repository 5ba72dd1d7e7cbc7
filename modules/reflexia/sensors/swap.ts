import { type Machine, percent, type Sensor } from './sensor.js';

/** Percent of swap in use, from /proc/meminfo; undefined without swap. */
export function parseSwap(meminfo: string): number | undefined {
  const kilobytes = (field: string) => Number(new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1]);
  const total = kilobytes('SwapTotal');
  const free = kilobytes('SwapFree');
  if (Number.isNaN(total) || Number.isNaN(free)) throw new Error('/proc/meminfo lacks SwapTotal or SwapFree');
  return total === 0 ? undefined : percent(total - free, total);
}

/** From macOS's `sysctl -n vm.swapusage`: `total = 2048.00M  used = 1024.50M  free = 1023.50M  (encrypted)`. */
export function parseSwapUsage(text: string): number | undefined {
  const megabytes = (field: string) => Number(new RegExp(`${field} = (\\d+\\.\\d+)M`).exec(text)?.[1]);
  const total = megabytes('total');
  const used = megabytes('used');
  if (Number.isNaN(total) || Number.isNaN(used))
    throw new Error('vm.swapusage answered in a form that is not known');
  return total === 0 ? undefined : percent(used, total);
}

export function swapSensor(machine: Machine): Sensor<'swap'> {
  return {
    name: 'swap',
    async read(signal) {
      if (machine.platform === 'linux') return parseSwap(await machine.readText('/proc/meminfo', signal));
      if (machine.platform === 'darwin')
        return parseSwapUsage(await machine.run('/usr/sbin/sysctl', ['-n', 'vm.swapusage'], signal));
      return undefined;
    },
  };
}
