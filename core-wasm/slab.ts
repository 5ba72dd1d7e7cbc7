import type { Constants, CoreFunctions } from './exports.js';
import { ruleIds } from './parameters.js';
import { decisions, factorNames, type Score, type ScoreInput, severities } from './score-types.js';

const severityCodes = new Map<string, number>(severities.map((severity, code) => [severity, code]));

/** The slab of score records: write inputs, score a range in place, read results. Threads must use disjoint ranges. */
export class Slab {
  /** How many records there are. */
  readonly records: number;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;
  readonly #floats: Float64Array<SharedArrayBuffer>;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #ruleIds: string[];
  readonly #base: number;
  readonly #stride: number;

  constructor(memory: SharedArrayBuffer, at: Constants, functions: CoreFunctions) {
    this.#at = at;
    this.#functions = functions;
    this.#floats = new Float64Array(memory);
    this.#words = new Uint32Array(memory);
    this.#ruleIds = ruleIds(new DataView(memory), at);
    this.records = at.SLAB_RECORDS;
    this.#base = at.SLAB;
    this.#stride = at.RECORD_BYTES;
  }

  /**
   * Writes the input of one record. Throws a RangeError that names the first value out of bounds, NaN and infinities
   * included; what was in the record is then undefined. -0 is stored as 0.
   */
  write(index: number, input: ScoreInput): void {
    const at = this.#at;
    const byte = this.#byte(index);
    const floats = this.#floats;
    const severity = severityCodes.get(input.severity);
    if (severity === undefined) {
      throw new RangeError(`severity must be one of ${severities.join(', ')}, not ${String(input.severity)}`);
    }
    floats[(byte + at.RECORD_CPU) >> 3] = within('cpu', input.cpu, 0, 100);
    floats[(byte + at.RECORD_RAM) >> 3] = within('ram', input.ram, 0, 100);
    let present = 0;
    if (input.temperatureC !== undefined) {
      present |= at.PRESENT_TEMPERATURE;
      floats[(byte + at.RECORD_TEMPERATURE) >> 3] = within('temperatureC', input.temperatureC, -273.15, 1000);
    }
    if (input.disk !== undefined) {
      present |= at.PRESENT_DISK;
      floats[(byte + at.RECORD_DISK) >> 3] = within('disk', input.disk, 0, 100);
    }
    if (input.errorRate !== undefined) {
      present |= at.PRESENT_ERROR_RATE;
      floats[(byte + at.RECORD_ERROR_RATE) >> 3] = within('errorRate', input.errorRate, 0, 1);
    }
    if (input.latencyMs !== undefined) {
      present |= at.PRESENT_LATENCY;
      floats[(byte + at.RECORD_LATENCY) >> 3] = within('latencyMs', input.latencyMs, 0, 1e9);
    }
    if (input.contextRelevance !== undefined) {
      present |= at.PRESENT_CONTEXT;
      floats[(byte + at.RECORD_CONTEXT) >> 3] = within('contextRelevance', input.contextRelevance, 0, 1);
    }
    if (input.historyPressure !== undefined) {
      present |= at.PRESENT_HISTORY;
      floats[(byte + at.RECORD_HISTORY) >> 3] = within('historyPressure', input.historyPressure, 0, 1);
    }
    this.#words[(byte + at.RECORD_PRESENT) >> 2] = present;
    this.#words[(byte + at.RECORD_SEVERITY) >> 2] = severity;
  }

  /** Scores the records `from` to `from + count - 1`, in this thread. The same inputs give the same bits everywhere. */
  score(from: number, count: number): void {
    const fits = Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 0;
    if (!fits || from + count > this.records) {
      throw new RangeError(`records ${from} + ${count} must lie within 0 to ${this.records}`);
    }
    this.#functions.scoreBatch(from, count);
  }

  /** The result of a record that has been scored. */
  read(index: number): Score {
    const at = this.#at;
    const byte = this.#byte(index);
    const floats = this.#floats;
    const absentMask = this.#words[(byte + at.RECORD_ABSENT) >> 2] as number;
    const scores = (byte + at.RECORD_SCORES) >> 3;
    const weights = (byte + at.RECORD_WEIGHTS) >> 3;
    const shares = (byte + at.RECORD_SHARES) >> 3;
    const factors: Score['factors'] = [];
    const absent: Score['absent'] = [];
    for (let i = 0; i < factorNames.length; i++) {
      const name = factorNames[i]!;
      if (absentMask & (1 << i)) absent.push(name);
      else
        factors.push({
          name,
          score: floats[scores + i]!,
          weight: floats[weights + i]!,
          share: floats[shares + i]!,
        });
    }
    const reasons: string[] = [];
    for (let mask = this.#words[(byte + at.RECORD_REASONS) >> 2] as number; mask !== 0; mask &= mask - 1) {
      reasons.push(this.#ruleIds[31 - Math.clz32(mask & -mask)]!);
    }
    return {
      decision: decisions[this.#words[(byte + at.RECORD_DECISION) >> 2] as number]!,
      confidence: floats[(byte + at.RECORD_CONFIDENCE) >> 3]!,
      factors,
      absent,
      reasons,
      pressure: floats[(byte + at.RECORD_PRESSURE) >> 3]!,
    };
  }

  #byte(index: number): number {
    if (!(Number.isInteger(index) && index >= 0 && index < this.records)) {
      throw new RangeError(`a record must be an integer from 0 to ${this.records - 1}, not ${index}`);
    }
    return this.#base + index * this.#stride;
  }
}

function within(name: string, value: number, min: number, max: number): number {
  // The comparison is false for NaN; adding 0 turns -0 into 0.
  if (typeof value === 'number' && value >= min && value <= max) return value + 0;
  throw new RangeError(`${name} must be a number from ${min} to ${max}, not ${String(value)}`);
}
