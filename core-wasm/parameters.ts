import { createHash } from 'node:crypto';
import type { Constants } from './exports.js';

/**
 * Weights and thresholds of the scoring. `monitor`, `reduce` and `emergency` are the values above which (for temperatures: from
 * which) that decision is given; severity pressures are in the order none, normal, low, medium, high, critical.
 */
export interface Parameters {
  weights: readonly [number, number, number, number, number, number];
  severityPressure: readonly [number, number, number, number, number, number];
  cpu: { monitor: number; reduce: number };
  ram: { monitor: number; reduce: number };
  temperatureC: { monitor: number; reduce: number; emergency: number; floor: number; span: number };
  disk: { monitor: number; reduce: number };
  errorRate: { monitor: number; reduce: number };
  latencyMs: { monitor: number; reduce: number; scale: number };
}

export const parameters: Parameters = {
  weights: [0.3, 0.25, 0.15, 0.1, 0.1, 0.1],
  severityPressure: [0, 0, 0.2, 0.4, 0.7, 1],
  cpu: { monitor: 60, reduce: 80 },
  ram: { monitor: 75, reduce: 90 },
  temperatureC: { monitor: 70, reduce: 78, emergency: 85, floor: 40, span: 45 },
  disk: { monitor: 85, reduce: 95 },
  errorRate: { monitor: 0.2, reduce: 0.5 },
  latencyMs: { monitor: 3000, reduce: 10_000, scale: 1000 },
};

/** Writes the parameter block. Called once, by the host that makes the memory. */
export function writeParameters(view: DataView, at: Constants, p: Parameters): void {
  const set = (offset: number, value: number) => view.setFloat64(offset, value, true);
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
}

/** `w1-` and the first 12 hexadecimal digits of the SHA-256 of the block: another weight or threshold, another version. */
export function weightsVersion(memory: SharedArrayBuffer, at: Constants): string {
  const block = Buffer.from(memory, at.PARAMETERS, at.PARAMETERS_BYTES);
  return `w1-${createHash('sha256').update(block).digest('hex').slice(0, 12)}`;
}

/** The id of each rule by its bit; thresholds are part of the id, so an id always means the same. */
export function ruleIds(view: DataView, at: Constants): string[] {
  const value = (offset: number) => String(view.getFloat64(offset, true));
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
  return ids;
}
