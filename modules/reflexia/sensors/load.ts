import type { Sensor } from './sensor.js';

/** Mean number of runnable tasks over the last minute. Windows has no such thing and Node says 0 there. */
export function loadSensor(platform: NodeJS.Platform, loadavg: () => number[]): Sensor<'load_1m'> {
  return {
    name: 'load_1m',
    read: async () => (platform === 'win32' ? undefined : Math.round((loadavg()[0] ?? 0) * 100) / 100),
  };
}
