import type { Host } from '../../modules/reflexia/host.js';
import { type Device, diskBytes, memoryBytes } from './device.js';

const blockBytes = 4096;
const hertz = 100;

const known = new Map<string, Error>();

/** One for each thing that is not there: an error costs more to make than all else that is asked. */
function missing(what: string): Error {
  const error = known.get(what) ?? Object.assign(new Error(`ENOENT: ${what}`), { code: 'ENOENT' });
  known.set(what, error);
  return error;
}

/** A reading that hangs until it is given up. */
const hangs = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(missing('given up')), { once: true });
  });

/** Answers what the real sensors ask as Linux on this Pi would, in the same texts, so that their parsers are part of what is simulated. */
export function simulatedHost(device: Device, nowMs: () => number): Host {
  const broken = (
    sensor: 'temperature' | 'firmware' | 'cpu',
    text: () => string,
    signal: AbortSignal,
  ): Promise<string> => {
    const fault = device.faults.sensors[sensor];
    if (fault === 'hangs') return hangs(signal);
    if (fault === 'gone') return Promise.reject(missing(sensor));
    return Promise.resolve(fault === 'garbage' ? 'ERROR\n' : text());
  };
  const files: Record<string, (signal: AbortSignal) => string | Promise<string>> = {
    '/proc/stat': (signal) =>
      broken(
        'cpu',
        () => {
          const { busy, idle } = device.cpuMs;
          const line = (cores: number) =>
            `${Math.round((busy / 1000 / cores) * hertz)} 0 0 ${Math.round((idle / 1000 / cores) * hertz)} 0 0 0 0 0 0`;
          return `cpu  ${line(1)}\n${[0, 1, 2, 3].map((core) => `cpu${core} ${line(4)}\n`).join('')}intr 0\n`;
        },
        signal,
      ),
    '/proc/meminfo': () => {
      const total = memoryBytes / 1000;
      const available = Math.round(total * (1 - device.memoryUsed()));
      return `MemTotal:        ${total} kB\nMemFree:          ${available} kB\nMemAvailable:    ${available} kB\nSwapTotal:        204796 kB\nSwapFree:         204796 kB\n`;
    },
    '/sys/class/thermal/thermal_zone0/type': () => 'cpu-thermal\n',
    '/sys/class/thermal/thermal_zone0/temp': (signal) =>
      broken('temperature', () => `${Math.round(device.temperatureC * 1000)}\n`, signal),
    '/proc/device-tree/model': () => 'Raspberry Pi 4 Model B Rev 1.4\0',
    '/sys/class/net/eth0/operstate': () => 'up\n',
  };
  const folders: Record<string, string[]> = {
    '/sys/class/thermal': ['thermal_zone0'],
    '/sys/class/net': ['lo', 'eth0'],
    '/run/systemd/timesync': ['synchronized'],
  };
  let counted = 0;
  return {
    machine: {
      platform: 'linux',
      readText(path, signal) {
        device.advance(nowMs());
        const file = files[path];
        return file === undefined ? Promise.reject(missing(path)) : Promise.resolve(file(signal));
      },
      list(path) {
        const names = folders[path];
        return names === undefined ? Promise.reject(missing(path)) : Promise.resolve([...names]);
      },
      run(command, args, signal) {
        if (command !== 'vcgencmd' || args[0] !== 'get_throttled') return Promise.reject(missing(command));
        return broken('firmware', () => `throttled=0x${device.speed() < 1 ? '80008' : '0'}\n`, signal);
      },
      coreTimes: () => [],
      totalMemoryBytes: () => memoryBytes,
    },
    statfs: async () => {
      const blocks = Math.floor(diskBytes / blockBytes);
      const free = Math.floor(blocks * (1 - device.diskUsed()));
      return { blocks, bfree: free, bavail: free, bsize: blockBytes };
    },
    loadavg: () => [device.load() * 4, 0, 0],
    residentBytes: () => 120_000_000,
    heap: () => ({ used_heap_size: 40_000_000, external_memory: 9_000_000 }),
    eventLoop: (resolutionMs) => ({
      get count() {
        return ++counted;
      },
      get max() {
        return (resolutionMs + device.loopDelayMs()) * 1e6;
      },
      reset: () => undefined,
      enable: () => true,
      disable: () => true,
    }),
    garbageMeter: () => ({ start: () => undefined, stop: () => undefined, take: () => 2 }),
  };
}
