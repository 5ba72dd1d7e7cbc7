import type { Clock } from '../../../runtime/contracts/clock.js';
import { errorCode, type Machine, type Sensor } from './sensor.js';

/** No version of this program is older: a clock that says so is wrong, as after the start of a Pi without a battery. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
const TIMESYNC = '/run/systemd/timesync';

/** How far the wall clock moved against the monotonic one since the last reading, in whole ms; the first reading only sets the mark. */
export function clockStepSensor(clock: Clock): Sensor<'clock_step_ms'> {
  let before: number | undefined;
  return {
    name: 'clock_step_ms',
    async read() {
      const now = clock.wallMs() - clock.monotonicMs();
      const step = before === undefined ? undefined : Math.round(now - before);
      before = now;
      return step === 0 ? 0 : step;
    },
  };
}

/** Whether the wall clock can be right. */
export function clockPlausibleSensor(clock: Clock): Sensor<'clock_plausible'> {
  return { name: 'clock_plausible', read: async () => clock.wallMs() >= EARLIEST_MS };
}

/** Whether systemd-timesyncd follows a time server: it makes the file `synchronized` in its folder when it does (systemd-timesyncd(8)). */
export function clockSynchronisedSensor(machine: Machine): Sensor<'clock_synchronised'> {
  return {
    name: 'clock_synchronised',
    everyMs: 30_000,
    async read() {
      if (machine.platform !== 'linux') return undefined;
      try {
        return (await machine.list(TIMESYNC)).includes('synchronized');
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}
