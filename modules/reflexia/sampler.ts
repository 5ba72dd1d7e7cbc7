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

/** What a reading gave: a value, perhaps none, or why there is none. */
interface Outcome {
  value?: Readings[keyof Readings] | undefined;
  why?: string;
}

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
    const { sensors, timeoutMs, clock, setTimer = systemTimer } = this.#options;
    const atMs = clock.monotonicMs();
    const ending = new AbortController();
    const end = () => ending.abort();
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
    const outcomes = new Map<Sensor, Outcome>();
    const reading = sensors
      .filter((sensor) => this.#isDue(sensor, atMs))
      .map((sensor) => this.#read(sensor, ending.signal, outcomes));
    const { over, clear } = pause(setTimer, timeoutMs);
    if ((await Promise.race([Promise.all(reading), over])) === timedOut) end();
    clear();
    signal.removeEventListener('abort', end);
    return sensors.map((sensor) => {
      if (!this.#isDue(sensor, atMs)) return this.#kept.get(sensor)?.value;
      const value = this.#take(sensor, outcomes.get(sensor));
      if (sensor.everyMs !== undefined) {
        const readings = Math.min((this.#kept.get(sensor)?.readings ?? 0) + 1, FIRST_READINGS);
        this.#kept.set(sensor, { readings, atMs, value });
      }
      return value;
    });
  }

  /** Whether it is read now, or what it said last stands. */
  #isDue(sensor: Sensor, atMs: number): boolean {
    const kept = this.#kept.get(sensor);
    if (sensor.everyMs === undefined || kept === undefined) return true;
    return kept.readings < FIRST_READINGS || atMs - kept.atMs >= sensor.everyMs * DUE;
  }

  /** What it said in time, or nothing and why. */
  #take({ name }: Sensor, outcome: Outcome | undefined): Readings[keyof Readings] | undefined {
    const { value, why } = outcome ?? { why: `no answer within ${this.#options.timeoutMs} ms` };
    if (why !== undefined) this.#absentBecause.set(name, why);
    else if (value === undefined || Number.isNaN(value)) this.#absentBecause.set(name, NOT_TOLD);
    else {
      this.#absentBecause.delete(name);
      return value;
    }
    return undefined;
  }

  /** Never rejects. */
  async #read(sensor: Sensor, signal: AbortSignal, outcomes: Map<Sensor, Outcome>): Promise<void> {
    const { name } = sensor;
    if (this.#hanging.has(name)) {
      outcomes.set(sensor, { why: 'an earlier reading still hangs' });
      return;
    }
    this.#hanging.add(name);
    try {
      outcomes.set(sensor, { value: await sensor.read(signal) });
    } catch (error) {
      outcomes.set(sensor, { why: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#hanging.delete(name);
    }
  }
}

function pause(setTimer: SetTimer, ms: number): { over: Promise<typeof timedOut>; clear(): void } {
  let clear = () => {};
  const over = new Promise<typeof timedOut>((resolve) => {
    clear = setTimer(() => resolve(timedOut), ms);
  });
  return { over, clear: () => clear() };
}
