import { createHash } from 'node:crypto';
import type { ScoreConstants } from './exports.js';

/** The values above which (for temperatures: from which) a decision is given. */
export interface Levels {
  monitor: number;
  reduce: number;
}

/** Weights and thresholds of the scoring. Severity pressures are in the order none, normal, low, medium, high, critical. */
export interface Parameters {
  weights: readonly [number, number, number, number, number, number];
  severityPressure: readonly [number, number, number, number, number, number];
  cpu: Levels;
  ram: Levels;
  temperatureC: Levels & { emergency: number; floor: number; span: number };
  disk: Levels;
  errorRate: Levels;
  latencyMs: Levels & { scale: number };
  /** A previous decision is kept until each figure is this share of its threshold below it, 0 to 0.5. */
  hysteresis: number;
  /** A previous decision is kept for this long after the inputs last asked for it, in ms. */
  cooldownMs: number;
}

/** What advice is scored with. It has no previous decision, so hysteresis and cooldown mean nothing to it. */
export const parameters: Parameters = {
  weights: [0.3, 0.25, 0.15, 0.1, 0.1, 0.1],
  severityPressure: [0, 0, 0.2, 0.4, 0.7, 1],
  cpu: { monitor: 60, reduce: 80 },
  ram: { monitor: 75, reduce: 90 },
  temperatureC: { monitor: 70, reduce: 78, emergency: 85, floor: 40, span: 45 },
  disk: { monitor: 85, reduce: 95 },
  errorRate: { monitor: 0.2, reduce: 0.5 },
  latencyMs: { monitor: 3000, reduce: 10_000, scale: 1000 },
  hysteresis: 0,
  cooldownMs: 0,
};

/** The thresholds that a device may set for its own stream. */
export interface Thresholds {
  cpu: Levels;
  ram: Levels;
  temperatureC: Levels;
}

/** What a device sets for its own stream: thresholds at most those of the advice. */
export interface OwnParameters extends Thresholds {
  /** 0 to 0.5. */
  hysteresis: number;
  /** 0 to 86,400,000. */
  cooldownMs: number;
}

/** The parameters with what the device has set. Throws a RangeError for a threshold that is raised, and for what is out of bounds. */
export function withOwn(own: OwnParameters): Parameters {
  for (const figure of ['cpu', 'ram', 'temperatureC'] as const) {
    for (const level of ['monitor', 'reduce'] as const) {
      bounded(`${figure}.${level}`, own[figure][level], 1, parameters[figure][level]);
    }
  }
  bounded('hysteresis', own.hysteresis, 0, 0.5);
  bounded('cooldownMs', own.cooldownMs, 0, 86_400_000);
  return { ...parameters, ...own, temperatureC: { ...parameters.temperatureC, ...own.temperatureC } };
}

function bounded(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  throw new RangeError(`${name} of a device's own parameters must be from ${min} to ${max}, not ${value}`);
}

/** The numbers of a parameter block, in its order. */
export function parameterValues(p: Parameters, at: ScoreConstants): number[] {
  const values: number[] = new Array(at.PARAMETERS_BYTES / 8).fill(Number.NaN);
  const set = (offset: number, value: number) => {
    values[offset / 8] = value;
  };
  for (const [i, weight] of p.weights.entries()) set(at.PARAM_WEIGHTS + 8 * i, weight);
  for (const [i, pressure] of p.severityPressure.entries()) set(at.PARAM_SEVERITY_PRESSURE + 8 * i, pressure);
  set(at.PARAM_CPU_MONITOR, p.cpu.monitor);
  set(at.PARAM_CPU_REDUCE, p.cpu.reduce);
  set(at.PARAM_RAM_MONITOR, p.ram.monitor);
  set(at.PARAM_RAM_REDUCE, p.ram.reduce);
  set(at.PARAM_TEMPERATURE_MONITOR, p.temperatureC.monitor);
  set(at.PARAM_TEMPERATURE_REDUCE, p.temperatureC.reduce);
  set(at.PARAM_TEMPERATURE_EMERGENCY, p.temperatureC.emergency);
  set(at.PARAM_TEMPERATURE_FLOOR, p.temperatureC.floor);
  set(at.PARAM_TEMPERATURE_SPAN, p.temperatureC.span);
  set(at.PARAM_DISK_MONITOR, p.disk.monitor);
  set(at.PARAM_DISK_REDUCE, p.disk.reduce);
  set(at.PARAM_ERROR_RATE_MONITOR, p.errorRate.monitor);
  set(at.PARAM_ERROR_RATE_REDUCE, p.errorRate.reduce);
  set(at.PARAM_LATENCY_MONITOR, p.latencyMs.monitor);
  set(at.PARAM_LATENCY_REDUCE, p.latencyMs.reduce);
  set(at.PARAM_LATENCY_SCALE, p.latencyMs.scale);
  set(at.PARAM_HYSTERESIS, p.hysteresis);
  set(at.PARAM_COOLDOWN, p.cooldownMs);
  return values;
}

/** Combinations of rules whose ids are remembered by one set. */
const reasonsRemembered = 1024;

/** One parameter block as a value: its numbers, their version, and the ids of its rules. */
export class ParameterSet {
  readonly values: readonly number[];
  /** `w2-` and the first 12 hexadecimal digits of the SHA-256 of the block: another weight or threshold, another version. */
  readonly version: string;
  /** The numbers as a JSON array. */
  readonly json: string;
  readonly #ids: readonly string[];
  readonly #reasons = new Map<number, readonly string[]>();

  /** Throws a RangeError when `values` are not as many finite numbers as the module's block has. */
  constructor(values: readonly number[], at: ScoreConstants) {
    const count = at.PARAMETERS_BYTES / 8;
    if (values.length !== count || !values.every((value) => Number.isFinite(value))) {
      throw new RangeError(`a parameter block has ${count} finite numbers`);
    }
    this.values = Object.freeze(values.map((value) => value + 0));
    const digest = createHash('sha256').update(blockBytes(this.values)).digest('hex');
    this.version = `w2-${digest.slice(0, 12)}`;
    this.json = `[${this.values.join()}]`;
    this.#ids = ruleIds(this.values, at);
  }

  /** Writes the block at a byte of the memory. */
  write(memory: SharedArrayBuffer, byte: number): void {
    new Uint8Array(memory).set(blockBytes(this.values), byte);
  }

  /** The ids of the rules that are set in `bits`, lowest first; the same array for the same bits. */
  reasons(bits: number): readonly string[] {
    const known = this.#reasons.get(bits);
    if (known !== undefined) return known;
    const reasons: string[] = [];
    for (let rest = bits; rest !== 0; rest &= rest - 1)
      reasons.push(this.#ids[31 - Math.clz32(rest & -rest)]!);
    if (this.#reasons.size >= reasonsRemembered) this.#reasons.clear();
    this.#reasons.set(bits, Object.freeze(reasons));
    return reasons;
  }
}

function blockBytes(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  for (const [i, value] of values.entries()) view.setFloat64(i * 8, value, true);
  return new Uint8Array(view.buffer);
}

/**
 * The id of each rule by its bit. Thresholds are part of the id, so an id always means the same; `held_` before it: the rule no
 * longer holds, but its figure is not clear of it. Replay compares ids of old modules with these: add to them, never change one.
 */
function ruleIds(values: readonly number[], at: ScoreConstants): string[] {
  const value = (offset: number) => String(values[offset / 8]);
  const ids: string[] = [];
  ids[at.RULE_SEVERITY_CRITICAL] = 'severity_critical';
  ids[at.RULE_TEMPERATURE_EMERGENCY] = `temperature_from_${value(at.PARAM_TEMPERATURE_EMERGENCY)}`;
  ids[at.RULE_CPU_REDUCE] = `cpu_above_${value(at.PARAM_CPU_REDUCE)}`;
  ids[at.RULE_RAM_REDUCE] = `ram_above_${value(at.PARAM_RAM_REDUCE)}`;
  ids[at.RULE_TEMPERATURE_REDUCE] = `temperature_from_${value(at.PARAM_TEMPERATURE_REDUCE)}`;
  ids[at.RULE_DISK_REDUCE] = `disk_above_${value(at.PARAM_DISK_REDUCE)}`;
  ids[at.RULE_ERROR_RATE_REDUCE] = `error_rate_above_${value(at.PARAM_ERROR_RATE_REDUCE)}`;
  ids[at.RULE_LATENCY_REDUCE] = `latency_above_${value(at.PARAM_LATENCY_REDUCE)}`;
  ids[at.RULE_SEVERITY_HIGH] = 'severity_high';
  ids[at.RULE_CPU_MONITOR] = `cpu_above_${value(at.PARAM_CPU_MONITOR)}`;
  ids[at.RULE_RAM_MONITOR] = `ram_above_${value(at.PARAM_RAM_MONITOR)}`;
  ids[at.RULE_TEMPERATURE_MONITOR] = `temperature_from_${value(at.PARAM_TEMPERATURE_MONITOR)}`;
  ids[at.RULE_DISK_MONITOR] = `disk_above_${value(at.PARAM_DISK_MONITOR)}`;
  ids[at.RULE_ERROR_RATE_MONITOR] = `error_rate_above_${value(at.PARAM_ERROR_RATE_MONITOR)}`;
  ids[at.RULE_LATENCY_MONITOR] = `latency_above_${value(at.PARAM_LATENCY_MONITOR)}`;
  for (const [rule, id] of [...ids.entries()]) ids[rule + at.RULE_HELD] = `held_${id}`;
  ids[at.RULE_HELD_BY_COOLDOWN] = 'held_by_cooldown';
  return ids;
}
