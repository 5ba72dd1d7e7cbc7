import { createHash } from 'node:crypto';
import { type Levels, type OwnParameters, withOwn } from '../../core-wasm/parameters.js';
import { referenceScore } from '../../core-wasm/reference/scoring.js';
import { decisions, type Score, type ScoreInput, severities } from '../../core-wasm/score-types.js';
import { seeded } from '../../runtime/guard/training/random.js';

/** Inputs of a seeded generator and what they must give, on every machine. */
export interface Vectors {
  /** What the device may set; a record names one by its place. */
  own: OwnParameters[];
  /** The numbers of each one's parameter block. */
  parameters: number[][];
  records: { own: number; input: ScoreInput; result: Result }[];
  /** Many more records of the generator: their number, and the SHA-256 of every bit of their scores. */
  digest: { count: number; sha256: string };
}

/** A score in the order of the file: decision, confidence, pressure, absent factors, reasons, then score, weight and share of each. */
export type Result = [string, number, number, string[], string[], ...[number, number, number][]];

export function resultOf({ decision, confidence, pressure, absent, reasons, factors }: Score): Result {
  const figures = factors.map(({ score, weight, share }): [number, number, number] => [score, weight, share]);
  return [decision, confidence, pressure, absent, reasons, ...figures];
}

const levels = (monitor: number, reduce: number): Levels => ({ monitor, reduce });

/** Thresholds of advice, lowered ones, and the extremes of hysteresis and cooldown. */
export const ownParameters: OwnParameters[] = [
  {
    cpu: levels(60, 80),
    ram: levels(75, 90),
    temperatureC: levels(70, 78),
    hysteresis: 0.05,
    cooldownMs: 10_000,
  },
  {
    cpu: levels(51, 68.4),
    ram: levels(63.75, 90),
    temperatureC: levels(59.5, 66.3),
    hysteresis: 0.1,
    cooldownMs: 1,
  },
  { cpu: levels(30, 80), ram: levels(75, 45), temperatureC: levels(35, 39), hysteresis: 0.5, cooldownMs: 0 },
  {
    cpu: levels(60, 80),
    ram: levels(75, 90),
    temperatureC: levels(70, 78),
    hysteresis: 0,
    cooldownMs: 86_400_000,
  },
];

const view = new DataView(new ArrayBuffer(8));

/** The neighbour of a positive number: one bit up or down. */
function neighbour(value: number, step: 1n | -1n): number {
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + step);
  return view.getFloat64(0);
}

/** Thresholds, and what the hysteresis of 5 % makes of them, each with its neighbours; zero, the smallest number, the bounds. */
function figure(random: () => number, max: number, edges: readonly number[]): number {
  const kind = random();
  if (kind < 0.4) return random() * max;
  if (kind < 0.6) return Math.floor(random() * (max + 1));
  if (kind < 0.7) return [0, max, Number.MIN_VALUE, neighbour(max, -1n)][Math.floor(random() * 4)]!;
  const edge = edges[Math.floor(random() * edges.length)]!;
  const eased = random() < 0.3 ? edge - edge * 0.05 : edge;
  return [eased, neighbour(eased, 1n), neighbour(eased, -1n)][Math.floor(random() * 3)]!;
}

export interface VectorInput {
  own: number;
  input: ScoreInput;
}

/** The first `count` inputs of a seed. */
export function vectorInputs(count: number, seed: number): VectorInput[] {
  const random = seeded(seed);
  const maybe = (share: number, set: () => void) => {
    if (random() < share) set();
  };
  return Array.from({ length: count }, () => {
    const input: ScoreInput = {
      cpu: figure(random, 100, [60, 80, 51, 68.4]),
      ram: figure(random, 100, [75, 90, 63.75]),
      severity: severities[Math.floor(random() * severities.length)]!,
    };
    maybe(0.7, () => {
      input.temperatureC =
        random() < 0.05 ? -random() * 273 : figure(random, 120, [40, 70, 78, 85, 59.5, 66.3]);
    });
    maybe(0.6, () => {
      input.disk = figure(random, 100, [85, 95]);
    });
    maybe(0.5, () => {
      input.errorRate = figure(random, 1, [0.2, 0.5]);
    });
    maybe(0.5, () => {
      input.latencyMs = figure(random, 20_000, [3000, 10_000, 1000]);
    });
    maybe(0.4, () => {
      input.contextRelevance = Math.floor(random() * 4) / 3;
    });
    maybe(0.8, () => {
      input.historyPressure = random();
    });
    maybe(0.7, () => {
      input.previousDecision = decisions[Math.floor(random() * decisions.length)]!;
      input.previousAgeMs = figure(random, 30_000, [10_000, 1]);
    });
    return { own: Math.floor(random() * ownParameters.length), input };
  });
}

/** What the TypeScript reference makes of inputs. */
export function referenceScores(inputs: readonly VectorInput[]): Score[] {
  const sets = ownParameters.map(withOwn);
  return inputs.map(({ own, input }) => referenceScore(input, sets[own]));
}

/** SHA-256 of every bit of the scores, in order. */
export function digestOf(scores: readonly Score[]): string {
  const hash = createHash('sha256');
  for (const { decision, confidence, pressure, factors, absent, reasons } of scores) {
    const numbers = [confidence, pressure, ...factors.flatMap((one) => [one.score, one.weight, one.share])];
    const bits = new DataView(new ArrayBuffer(numbers.length * 8));
    for (const [i, number] of numbers.entries()) bits.setFloat64(i * 8, number);
    hash.update([decision, ...absent, ...reasons, ''].join()).update(new Uint8Array(bits.buffer));
  }
  return hash.digest('hex');
}
