import { listIfThere, type Machine, readIfThere, type Sensor } from './sensor.js';

const BLOCK = '/sys/block';
const DEVICES_MAX = 64;
const HOUR_MS = 3_600_000;

/**
 * `life_time` of an eMMC, `0x02 0x01`: for each of its two kinds of memory 1 for up to 10 percent used, 2 for up to 20, 11 for beyond its
 * life, 0 for "not told" (JEDEC eMMC 5.0, DEVICE_LIFE_TIME_EST_TYP_A and _B; Linux documentation, driver-api/mmc). The worse counts.
 */
export function parseLifeTime(text: string): number | undefined {
  const match = /^0x([0-9a-f]{2}) 0x([0-9a-f]{2})$/i.exec(text.trim());
  if (match === null) throw new Error('life_time answered in a form that is not known');
  const steps = [match[1]!, match[2]!].map((hex) => Number.parseInt(hex, 16));
  const told = steps.filter((step) => step >= 1 && step <= 11);
  return told.length === 0 ? undefined : Math.min(100, Math.max(...told) * 10);
}

/** How worn the most worn eMMC is. Plain SD cards tell nothing; NVMe drives tell root only. */
export function storageWearSensor(machine: Machine): Sensor<'storage_wear'> {
  return {
    name: 'storage_wear',
    everyMs: HOUR_MS,
    async read(signal) {
      if (machine.platform !== 'linux') return undefined;
      const names = (await listIfThere(machine, BLOCK)).filter((name) => /^mmcblk\d+$/.test(name));
      const wear = await Promise.all(
        names.slice(0, DEVICES_MAX).map(async (name) => {
          const text = await readIfThere(machine, `${BLOCK}/${name}/device/life_time`, signal);
          return text === undefined ? undefined : parseLifeTime(text);
        }),
      );
      const known = wear.filter((value) => value !== undefined);
      return known.length === 0 ? undefined : Math.max(...known);
    },
  };
}
