import type { Habit, Habits } from './device.js';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** As often as the appliance looks. */
const slotMs = 5 * secondMs;

/** What an operating system does by itself now and then. */
interface Chore {
  /** When it begins next, after a time. */
  next(afterMs: number, random: () => number): number;
  seconds: readonly [number, number];
  /** Share of all four cores: one of them is 0.25. */
  load: readonly [number, number];
  /** Share of the memory that it takes meanwhile. */
  memory: number;
}

/** Once in each such part of a day, which begins `fromMs` after midnight, at a time by chance within `withinMs` of it. */
const inEach =
  (partMs: number, fromMs: number, withinMs: number): Chore['next'] =>
  (afterMs, random) =>
    (Math.floor((afterMs - fromMs) / partMs) + 1) * partMs + fromMs + random() * withinMs;

/**
 * The timers of a Raspberry Pi OS, by their usual times. How long they take and what load they make is plausible and not measured: apt reads its
 * lists on one core, unpacking and the pages of manuals take more than one.
 */
const chores: readonly Chore[] = [
  // The journal, the clock, the network, a look of systemd.
  {
    next: (afterMs, random) => afterMs - Math.log(1 - random()) * 8 * minuteMs,
    seconds: [2, 12],
    load: [0.05, 0.2],
    memory: 0.002,
  },
  // cron.hourly.
  { next: inEach(hourMs, 17 * minuteMs, secondMs), seconds: [5, 20], load: [0.15, 0.3], memory: 0.005 },
  // apt-daily.timer: at 6 and at 18 o'clock, up to twelve hours later.
  {
    next: inEach(12 * hourMs, 6 * hourMs, 11.5 * hourMs),
    seconds: [40, 240],
    load: [0.25, 0.35],
    memory: 0.07,
  },
  // apt-daily-upgrade.timer.
  { next: inEach(dayMs, 6 * hourMs, hourMs), seconds: [60, 600], load: [0.25, 0.7], memory: 0.09 },
  // Logs that are rotated, the pages of manuals, the copy of dpkg's list.
  { next: inEach(dayMs, 0, hourMs), seconds: [10, 120], load: [0.25, 0.4], memory: 0.02 },
];

/** A chore through the days. */
class Run {
  readonly #chore: Chore;
  readonly #random: () => number;
  #nextMs: number;
  #endMs = 0;
  load = 0;
  memory = 0;

  constructor(chore: Chore, random: () => number) {
    this.#chore = chore;
    this.#random = random;
    this.#nextMs = chore.next(-1, random);
  }

  advance(nowMs: number): void {
    if (nowMs >= this.#endMs) {
      this.load = 0;
      this.memory = 0;
    }
    if (nowMs < this.#nextMs) return;
    const { next, seconds, load, memory } = this.#chore;
    this.#endMs = nowMs + between(seconds, this.#random) * secondMs;
    this.load = between(load, this.#random);
    this.memory = memory;
    this.#nextMs = next(nowMs, this.#random);
  }
}

const between = ([least, most]: readonly [number, number], random: () => number) =>
  least + (most - least) * random();

/** A value that wanders by chance and is drawn back to 0, mostly within twice `width` of it. */
function wanders(width: number, random: () => number): () => number {
  const kept = 0.999;
  const step = width * Math.sqrt(3 * (1 - kept * kept));
  let value = 0;
  return () => {
    value = value * kept + step * (2 * random() - 1);
    return value;
  };
}

/** Hour of the day at which a room is warmest. */
const warmestHour = 17;

/**
 * A device that nobody uses, drawn from chance: the processor is never quite still, an operating system does its chores, memory comes and goes,
 * the room is cooler at night. All of it is plausible and none of it was measured on a Pi. Virtual time begins at midnight.
 */
export function restingHabits(random: () => number): Habits {
  const runs = chores.map((chore) => new Run(chore, random));
  const idle = between([0.015, 0.04], random);
  const dayC = between([18, 27], random);
  const swingC = between([0.5, 3], random);
  const draftC = wanders(0.6, random);
  const kept = wanders(0.01, random);
  let slot = -1;
  let habit: Habit | undefined;
  const nextSlot = (): Habit => {
    slot++;
    const nowMs = slot * slotMs;
    for (const run of runs) run.advance(nowMs);
    const busy = runs.reduce((sum, { load }) => sum + load, 0);
    const taken = runs.reduce((sum, { memory }) => sum + memory, 0);
    const day = Math.cos(((nowMs / hourMs - warmestHour) / 24) * 2 * Math.PI);
    const flicker = -Math.log(1 - random()) * 0.012;
    // The longest delay in a slot; now and then something holds the process up.
    const held = random() < 0.002 ? 100 + 300 * random() : 0;
    return {
      load: Math.min(0.95, idle + flicker + busy),
      memory: 0.24 + kept() + taken,
      roomC: dayC + swingC * day + draftC(),
      loopDelayMs: -Math.log(1 - random()) * (4 + 60 * busy) + held,
    };
  };
  return (nowMs) => {
    while (habit === undefined || (slot + 1) * slotMs <= nowMs) habit = nextSlot();
    return habit;
  };
}
