import type { ScoreConstants, ScoreFunctions } from './exports.js';
import type { ParameterSet } from './parameters.js';
import { decisions, type Score, type ScoreInput, severities } from './score-types.js';
import { SlabRecord } from './slab-record.js';

const severityCodes = new Map<string, number>(severities.map((severity, code) => [severity, code]));
const decisionCodes = new Map<string, number>(decisions.map((decision, code) => [decision, code]));

/**
 * The slab of score records: write inputs, score a range in place, read results. Threads must use disjoint ranges. Beside it lies
 * one record of the device's own, with parameters of its own, for one thread.
 */
export class Slab {
  /** How many records there are. */
  readonly records: number;
  /** What ranges are scored with. */
  readonly parameters: ParameterSet;
  readonly #at: ScoreConstants;
  readonly #functions: ScoreFunctions;
  readonly #memory: SharedArrayBuffer;
  readonly #floats: Float64Array<SharedArrayBuffer>;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #record: SlabRecord;
  readonly #base: number;
  readonly #stride: number;
  #own: ParameterSet | undefined;

  constructor(
    memory: SharedArrayBuffer,
    at: ScoreConstants,
    functions: ScoreFunctions,
    parameters: ParameterSet,
  ) {
    this.#at = at;
    this.#functions = functions;
    this.#memory = memory;
    this.#floats = new Float64Array(memory);
    this.#words = new Uint32Array(memory);
    this.parameters = parameters;
    this.#record = new SlabRecord(memory, at, parameters);
    this.records = at.SLAB_RECORDS;
    this.#base = at.SLAB;
    this.#stride = at.RECORD_BYTES;
  }

  /**
   * Writes the input of one record. Throws a RangeError that names the first value out of bounds, NaN and infinities
   * included; what was in the record is then undefined. -0 is stored as 0.
   */
  write(index: number, input: ScoreInput): void {
    this.#write(this.#byte(index), input);
  }

  /** Scores the records `from` to `from + count - 1`, in this thread. The same inputs give the same bits everywhere. */
  score(from: number, count: number): void {
    const fits = Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 0;
    if (!fits || from + count > this.records) {
      throw new RangeError(`records ${from} + ${count} must lie within 0 to ${this.records}`);
    }
    this.#functions.scoreBatch(from, count);
  }

  /** A record that has been scored: a view that is valid until the next one is asked for, or the record is written. */
  at(index: number): SlabRecord {
    return this.#record.moveTo(this.#byte(index), this.parameters);
  }

  /** The result of a record that has been scored. */
  read(index: number): Score {
    return this.at(index).toScore();
  }

  /** Scores the device's own record at once; the view is as that of `at`. Only ever called by one thread. */
  scoreOwn(input: ScoreInput, parameters: ParameterSet): SlabRecord {
    const at = this.#at;
    if (this.#own !== parameters) {
      this.#own = parameters;
      parameters.write(this.#memory, at.PARAMETERS_OWN);
    }
    this.#write(at.RECORD_OWN, input);
    this.#functions.scoreOwn();
    return this.#record.moveTo(at.RECORD_OWN, parameters);
  }

  #write(byte: number, input: ScoreInput): void {
    const at = this.#at;
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
    let previous = 0;
    if (input.previousDecision !== undefined || input.previousAgeMs !== undefined) {
      present |= at.PRESENT_PREVIOUS;
      previous = previousCode(input.previousDecision);
      const age = within('previousAgeMs', input.previousAgeMs, 0, 1e15);
      floats[(byte + at.RECORD_PREVIOUS_AGE) >> 3] = age;
    }
    this.#words[(byte + at.RECORD_PRESENT) >> 2] = present;
    // Two 16-bit fields in one little-endian word.
    this.#words[(byte + at.RECORD_SEVERITY) >> 2] = severity | (previous << 16);
  }

  #byte(index: number): number {
    if (!(Number.isInteger(index) && index >= 0 && index < this.records)) {
      throw new RangeError(`a record must be an integer from 0 to ${this.records - 1}, not ${index}`);
    }
    return this.#base + index * this.#stride;
  }
}

function previousCode(decision: string | undefined): number {
  const code = decision === undefined ? undefined : decisionCodes.get(decision);
  if (code !== undefined) return code;
  throw new RangeError(`previousDecision must be one of ${decisions.join(', ')}, not ${String(decision)}`);
}

function within(name: string, value: number | undefined, min: number, max: number): number {
  // The comparison is false for NaN; adding 0 turns -0 into 0.
  if (typeof value === 'number' && value >= min && value <= max) return value + 0;
  throw new RangeError(`${name} must be a number from ${min} to ${max}, not ${String(value)}`);
}
