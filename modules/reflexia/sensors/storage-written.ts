import { type Machine, readIfThere, type Sensor } from './sensor.js';

/** Whole devices, not their partitions, and none that lies in memory or on another device: SD and eMMC, NVMe, SATA and USB, virtual ones. */
const DEVICE = /^(mmcblk\d+|nvme\d+n\d+|sd[a-z]+|vd[a-z]+|xvd[a-z]+)$/;
/** /proc/diskstats counts in these, whatever the device has (Linux documentation, admin-guide/iostats). */
const SECTOR_BYTES = 512;

/** Bytes written to all devices: the tenth field of their lines, sectors written. */
export function parseDiskstats(text: string): number | undefined {
  let sectors: number | undefined;
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/ +/);
    if (!DEVICE.test(fields[2] ?? '')) continue;
    const written = Number(fields[9]);
    if (!Number.isSafeInteger(written)) throw new Error('/proc/diskstats has a line that is not understood');
    sectors = (sectors ?? 0) + written;
  }
  return sectors === undefined ? undefined : sectors * SECTOR_BYTES;
}

/** What wears a card that tells nothing about its wear. */
export function storageWrittenSensor(machine: Machine): Sensor<'storage_written_bytes'> {
  return {
    name: 'storage_written_bytes',
    everyMs: 30_000,
    async read(signal) {
      if (machine.platform !== 'linux') return undefined;
      const text = await readIfThere(machine, '/proc/diskstats', signal);
      return text === undefined ? undefined : parseDiskstats(text);
    },
  };
}
