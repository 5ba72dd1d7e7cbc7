/** What is wrong with the device now; the schedule of faults sets it. */
export interface DeviceFaults {
  /** Degrees by which the room is warmer. */
  heatC: number;
  fanBroken: boolean;
  /** Share of the memory that somebody else took, 0 to 1. */
  memoryTaken: number;
  /** Share of the card that somebody else filled, 0 to 1. */
  diskTaken: number;
  /** Nothing more can be written, whatever is free. */
  diskRefuses: boolean;
  /** Factor on the time of a sync. */
  diskSlow: number;
  /** Share of the processor that somebody else uses. */
  cpuTaken: number;
  /** Longest delay of the event loop, ms. */
  loopDelayMs: number;
  sensors: Partial<Record<'temperature' | 'firmware' | 'cpu', 'gone' | 'hangs' | 'garbage'>>;
}

/** What goes on in a device at a moment, whoever uses it. */
export interface Habit {
  /** Share of the processor, 0 to 1. */
  load: number;
  /** Share of the memory, 0 to 1. */
  memory: number;
  roomC: number;
  /** Beside what a fault makes of it, ms. */
  loopDelayMs: number;
}

/** Told for times that never go back. */
export type Habits = (nowMs: number) => Habit;

const steady: Habit = { load: 0.05, memory: 0.24, roomC: 24, loopDelayMs: 0 };

const calm = (): DeviceFaults => ({
  heatC: 0,
  fanBroken: false,
  memoryTaken: 0,
  diskTaken: 0,
  diskRefuses: false,
  diskSlow: 1,
  cpuTaken: 0,
  loopDelayMs: 3,
  sensors: {},
});

/** A Raspberry Pi 4 with 4 GB in a case with a small fan. Powers: pidramble.com; the rest is plausible, not measured. */
const idleW = 2.7;
const fullW = 6.4;
/** Kelvin a watt from chip to room, with the fan off and on. */
const resistance = { off: 9.5, on: 5.5 };
const fanOnC = 62;
const fanOffC = 54;
/** Time in which two thirds of a change of temperature have come about. */
const thermalMs = 140_000;
const throttleC = 80;
const throttleHardC = 85;
export const memoryBytes = 4_000_000_000;
export const diskBytes = 32_000_000_000;
const cores = 4;

/** Heat, memory, card and processor of a Pi. Everything is computed when it is asked for, from what went on since. */
export class Device {
  readonly faults: DeviceFaults = calm();
  /** Prompts that the model on this device works on. */
  running = 0;
  modelLoaded = false;
  /** What the appliance itself has on the card. */
  ownBytes = 0;
  readonly #habits: Habits;
  #habit: Habit;
  #nowMs = 0;
  #temperatureC = 45;
  #fan = false;
  /** Busy time of all cores, ms. */
  #busyMs = 0;
  #writtenBytes = 0;

  /** @param habits The same at all times unless given. */
  constructor(habits: Habits = () => steady) {
    this.#habits = habits;
    this.#habit = habits(0);
  }

  /** Moves to a time; to be called before what changes the load does. */
  advance(nowMs: number): void {
    // Steps short against the time of the heat, so that the fan and the throttle act when they would.
    while (this.#nowMs < nowMs) {
      const stepMs = Math.min(15_000, nowMs - this.#nowMs);
      this.#habit = this.#habits(this.#nowMs);
      const load = this.load();
      const watts = idleW + (fullW - idleW) * load * this.speed();
      const room = this.#habit.roomC + this.faults.heatC;
      const goal = room + watts * (this.#fan ? resistance.on : resistance.off);
      this.#temperatureC += (goal - this.#temperatureC) * (1 - Math.exp(-stepMs / thermalMs));
      if (this.#temperatureC >= fanOnC) this.#fan = !this.faults.fanBroken;
      else if (this.#temperatureC <= fanOffC || this.faults.fanBroken) this.#fan = false;
      this.#busyMs += load * stepMs * cores;
      this.#nowMs += stepMs;
    }
  }

  /** Share of the processor in use. */
  load(): number {
    return Math.min(1, this.#habit.load + this.faults.cpuTaken + (this.running > 0 ? 0.86 : 0));
  }

  /** Clock of the processor against its full one: the firmware slows it when it is hot. */
  speed(): number {
    if (this.#temperatureC >= throttleHardC) return 0.45;
    return this.#temperatureC >= throttleC ? 0.7 : 1;
  }

  get temperatureC(): number {
    return this.#temperatureC;
  }

  get cpuMs(): { busy: number; idle: number } {
    return { busy: this.#busyMs, idle: this.#nowMs * cores - this.#busyMs };
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  memoryUsed(): number {
    const model = this.modelLoaded ? 0.42 : 0;
    return Math.min(0.995, this.#habit.memory + model + this.running * 0.02 + this.faults.memoryTaken);
  }

  /** Longest delay of the event loop lately, ms. */
  loopDelayMs(): number {
    return this.faults.loopDelayMs + this.#habit.loopDelayMs;
  }

  diskUsed(): number {
    return Math.min(1, 0.38 + this.ownBytes / diskBytes + this.faults.diskTaken);
  }

  isDiskFull(): boolean {
    return this.faults.diskRefuses || this.diskUsed() >= 0.9995;
  }

  /** Time of one sync of the card, which slows as it fills: it has to make room first. */
  syncMs(chance: number): number {
    const fill = Math.max(0, this.diskUsed() - 0.85);
    const base = 5 + 4 * chance + (chance > 0.98 ? 120 : 0);
    this.#writtenBytes += 16_384;
    return base * (1 + 40 * fill) * this.faults.diskSlow;
  }
}
