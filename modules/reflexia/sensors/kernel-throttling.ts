import { listIfThere, type Machine, readIfThere } from './sensor.js';

const CPU = '/sys/devices/system/cpu';
const CORES_MAX = 64;

/**
 * Whether an x86 processor was slowed for its heat since the last reading: the counters `thermal_throttle/core_throttle_count` and
 * `package_throttle_count` of its cores grew (Linux documentation, ABI/testing/sysfs-devices-system-cpu). The first reading only sets
 * the mark. Cores without the counters, as virtual ones, are looked for once.
 */
export function kernelThrottling(machine: Machine): (signal: AbortSignal) => Promise<boolean | undefined> {
  let files: string[] | undefined;
  let before: number | undefined;
  return async (signal) => {
    if (machine.platform !== 'linux') return undefined;
    if (files === undefined) {
      const cores = (await listIfThere(machine, CPU)).filter((name) => /^cpu\d+$/.test(name));
      files = cores
        .slice(0, CORES_MAX)
        .flatMap((core) =>
          ['core', 'package'].map((kind) => `${CPU}/${core}/thermal_throttle/${kind}_throttle_count`),
        );
    }
    const texts = await Promise.all(files.map((file) => readIfThere(machine, file, signal)));
    files = files.filter((_, at) => texts[at] !== undefined);
    const counts = texts.filter((text) => text !== undefined).map(Number);
    if (counts.length === 0) return undefined;
    const now = counts.reduce((sum, count) => sum + count, 0);
    const slowed = before === undefined ? undefined : now > before;
    before = now;
    return slowed;
  };
}
