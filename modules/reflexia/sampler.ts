import { type Clock, type SetTimer, systemTimer } from '../../runtime/contracts/clock.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { Readings, Sensor } from './sensors/sensor.js';

export interface SamplerOptions {
  sensors: readonly Sensor[];
  clock: Clock;
  /** A sensor that has not answered by then is absent from the sample. */
  timeoutMs: number;
  /** Called at the beginning of each sample. */
  onBegin?: () => void;
  setTimer?: SetTimer;
}

const timedOut = Symbol('timed out');
const NOT_TOLD = 'this device does not tell';
/** Readings that are taken at once whatever the interval: some sensors measure from one to the next. */
const FIRST_READINGS = 2;
/** Part of its interval after which a sensor is due: samples come a little early or late. */
const DUE = 0.9;

/** The last reading of a sensor with an interval of its own. */
interface Kept {
  readings: number;
  atMs: number;
  value: Readings[keyof Readings] | undefined;
}

/**
 * Reads all sensors that are due at once into one sample; what is not due yet stands as it was read last. A sensor that hangs, throws or has nothing to say is absent from the sample and named
 * there; one that still hangs at the next sample is not asked again until it has answered.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #hanging = new Set<string>();
  readonly #absentBecause = new Map<string, string>();
  readonly #kept = new Map<Sensor, Kept>();

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Why each value that the last sample lacks is absent. */
  get absentBecause(): Record<string, string> {
    return Object.fromEntries(this.#absentBecause);
  }

  /** Never rejects; takes at most the timeout. `signal` ends the sensors' readings early. */
  async sample(signal: AbortSignal): Promise<DeviceSample> {
    const { clock, sensors, onBegin } = this.#options;
    onBegin?.();
    const values = await this.#readAll(signal);
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

  /** All begin at once, so they share one deadline. */
  async #readAll(signal: AbortSignal): Promise<(Readings[keyof Readings] | undefined)[]> {
    const { sensors, timeoutMs, setTimer = systemTimer } = this.#options;
    const deadline = new AbortController();
    const ends = AbortSignal.any([signal, deadline.signal]);
    let cancel = () => {};
    const late = new Promise<typeof timedOut>((resolve) => {
      cancel = setTimer(() => resolve(timedOut), timeoutMs);
    });
    try {
      return await Promise.all(sensors.map((sensor) => this.#value(sensor, ends, late)));
    } finally {
      cancel();
      deadline.abort();
    }
  }

  /** What is read now, or was when the sensor was due last. */
  async #value(
    sensor: Sensor,
    signal: AbortSignal,
    late: Promise<typeof timedOut>,
  ): Promise<Readings[keyof Readings] | undefined> {
    if (sensor.everyMs === undefined) return this.#read(sensor, signal, late);
    const atMs = this.#options.clock.monotonicMs();
    const kept = this.#kept.get(sensor);
    const readings = kept?.readings ?? 0;
    if (kept && readings >= FIRST_READINGS && atMs - kept.atMs < sensor.everyMs * DUE) return kept.value;
    const value = await this.#read(sensor, signal, late);
    this.#kept.set(sensor, { readings: Math.min(readings + 1, FIRST_READINGS), atMs, value });
    return value;
  }

  async #read(
    sensor: Sensor,
    signal: AbortSignal,
    late: Promise<typeof timedOut>,
  ): Promise<Readings[keyof Readings] | undefined> {
    const { name } = sensor;
    if (this.#hanging.has(name)) return this.#absent(name, 'an earlier reading still hangs');
    this.#hanging.add(name);
    try {
      const value = await Promise.race([this.#start(sensor, signal), late]);
      if (value === timedOut) return this.#absent(name, `no answer within ${this.#options.timeoutMs} ms`);
      if (value === undefined || Number.isNaN(value)) return this.#absent(name, NOT_TOLD);
      this.#absentBecause.delete(name);
      return value;
    } catch (error) {
      return this.#absent(name, error instanceof Error ? error.message : String(error));
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
