import { firmware } from './firmware.js';
import { listIfThere, type Machine, readIfThere, type Sensor } from './sensor.js';
import { parseThrottled } from './throttled.js';

const HWMON = '/sys/class/hwmon';
const MONITORS_MAX = 64;

/** The kernel's own driver for it: hwmon `rpi_volt` with `in0_lcrit_alarm` (Linux documentation, hwmon/raspberrypi-hwmon). */
async function fromMonitor(machine: Machine, signal: AbortSignal): Promise<boolean | undefined> {
  for (const name of (await listIfThere(machine, HWMON)).slice(0, MONITORS_MAX)) {
    const kind = await readIfThere(machine, `${HWMON}/${name}/name`, signal);
    if (kind?.trim() !== 'rpi_volt') continue;
    const alarm = await readIfThere(machine, `${HWMON}/${name}/in0_lcrit_alarm`, signal);
    if (alarm !== undefined) return alarm.trim() === '1';
  }
  return undefined;
}

/** Whether a Pi's supply is below 4.63 V now: its firmware says so, else the kernel's monitor. */
export function underVoltageSensor(machine: Machine): Sensor<'under_voltage'> {
  const ask = firmware(machine, ['get_throttled']);
  return {
    name: 'under_voltage',
    async read(signal) {
      if (machine.platform !== 'linux') return undefined;
      const output = await ask(signal);
      if (output === undefined) return fromMonitor(machine, signal);
      return parseThrottled(output).now.includes('under_voltage');
    },
  };
}
