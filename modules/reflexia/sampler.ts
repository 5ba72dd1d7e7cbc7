import type { Clock } from '../../runtime/contracts/clock.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { Readings, Sensor } from './sensors/sensor.js';

export interface SamplerOptions {
  sensors: readonly Sensor[];
  clock: Clock;
  /** A sensor that has not answered by then is absent from the sample. */
  timeoutMs: number;
}

const timedOut = Symbol('timed out');
const NOT_TOLD = 'this device does not tell';

/**
 * Reads all sensors at once into one sample. A sensor that hangs, throws or has nothing to say is absent from the sample and named
 * there; one that still hangs at the next sample is not asked again until it has answered.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #hanging = new Set<string>();
  readonly #absentBecause = new Map<string, string>();

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Why each value that the last sample lacks is absent. */
  get absentBecause(): Record<string, string> {
    return Object.fromEntries(this.#absentBecause);
  }

  /** Never rejects; takes at most the timeout. `signal` ends the sensors' readings early. */
  async sample(signal: AbortSignal): Promise<DeviceSample> {
    const { clock, sensors } = this.#options;
    const values = await Promise.all(sensors.map((sensor) => this.#read(sensor, signal)));
    const readings: Record<string, unknown> = {};
    const absent: string[] = [];
    sensors.forEach(({ name }, index) => {
      if (values[index] === undefined) absent.push(name);
      else readings[name] = values[index];
    });
    return {
      wall_ms: clock.wallMs(),
      monotonic_ms: clock.monotonicMs(),
      ...(readings as Readings),
      absent,
    };
  }

  async #read(sensor: Sensor, signal: AbortSignal): Promise<Readings[keyof Readings] | undefined> {
    const { name } = sensor;
    if (this.#hanging.has(name)) return this.#absent(name, 'an earlier reading still hangs');
    this.#hanging.add(name);
    const deadline = new AbortController();
    try {
      const reading = this.#start(sensor, AbortSignal.any([signal, deadline.signal]));
      const value = await withTimeout(reading, this.#options.timeoutMs);
      if (value === timedOut) return this.#absent(name, `no answer within ${this.#options.timeoutMs} ms`);
      if (value === undefined || Number.isNaN(value)) return this.#absent(name, NOT_TOLD);
      this.#absentBecause.delete(name);
      return value;
    } catch (error) {
      return this.#absent(name, error instanceof Error ? error.message : String(error));
    } finally {
      deadline.abort();
    }
  }

  async #start(sensor: Sensor, signal: AbortSignal): Promise<Readings[keyof Readings] | undefined> {
    try {
      return await sensor.read(signal);
    } finally {
      this.#hanging.delete(sensor.name);
    }
  }

  #absent(name: string, why: string): undefined {
    this.#absentBecause.set(name, why);
  }
}

async function withTimeout<T>(reading: Promise<T>, timeoutMs: number): Promise<T | typeof timedOut> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, timedOut);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
