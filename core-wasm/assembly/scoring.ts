// Decision scoring: see the README of this room for the definitions. Only + - * / and comparisons, in a fixed order, so that
// the result is the same to the last bit on every processor and in the TypeScript reference.

import { expect, FAULT_INPUT, FAULT_RANGE, FAULT_RESULT } from "./fault";
import * as L from "./layout";

// @ts-ignore: decorator
@inline
function param(offset: i32): f64 {
  return load<f64>(offset);
}

// @ts-ignore: decorator
@inline
function bit(condition: bool, rule: i32): u32 {
  return u32(condition) << rule;
}

/** Scores the records `from` to `from + count - 1` in place. Threads may score disjoint ranges at once. */
export function scoreBatch(from: i32, count: i32): void {
  expect(from >= 0 && count >= 0 && count <= L.SLAB_RECORDS && from <= L.SLAB_RECORDS - count, FAULT_RANGE);
  const end = L.SLAB + (from + count) * L.RECORD_BYTES;
  for (let record = L.SLAB + from * L.RECORD_BYTES; record < end; record += L.RECORD_BYTES) scoreRecord(record);
}

function scoreRecord(record: i32): void {
  const present = load<u32>(record, L.RECORD_PRESENT);
  const severity = load<u32>(record, L.RECORD_SEVERITY);
  expect(present < 64 && severity < 6, FAULT_INPUT);
  decide(record, present, severity);
  const pressure = pressureOf(record, present, severity);
  expect(pressure >= 0.0 && pressure <= 1.0, FAULT_RESULT);
  store<f64>(record, pressure, L.RECORD_PRESSURE);
  weigh(record, present, pressure);
}

/** The decision is the highest level that any rule gives; the reasons are the rules that gave that level. */
function decide(record: i32, present: u32, severity: u32): void {
  const cpu = load<f64>(record, L.RECORD_CPU);
  const ram = load<f64>(record, L.RECORD_RAM);
  let emergency = bit(severity == 5, L.RULE_SEVERITY_CRITICAL);
  let reduce = bit(cpu > param(L.PARAM_CPU_REDUCE), L.RULE_CPU_REDUCE) | bit(ram > param(L.PARAM_RAM_REDUCE), L.RULE_RAM_REDUCE);
  let monitor =
    bit(severity == 4, L.RULE_SEVERITY_HIGH) |
    bit(cpu > param(L.PARAM_CPU_MONITOR), L.RULE_CPU_MONITOR) |
    bit(ram > param(L.PARAM_RAM_MONITOR), L.RULE_RAM_MONITOR);
  if (present & L.PRESENT_TEMPERATURE) {
    const temperature = load<f64>(record, L.RECORD_TEMPERATURE);
    emergency |= bit(temperature >= param(L.PARAM_TEMPERATURE_EMERGENCY), L.RULE_TEMPERATURE_EMERGENCY);
    reduce |= bit(temperature >= param(L.PARAM_TEMPERATURE_REDUCE), L.RULE_TEMPERATURE_REDUCE);
    monitor |= bit(temperature >= param(L.PARAM_TEMPERATURE_MONITOR), L.RULE_TEMPERATURE_MONITOR);
  }
  if (present & L.PRESENT_DISK) {
    const disk = load<f64>(record, L.RECORD_DISK);
    reduce |= bit(disk > param(L.PARAM_DISK_REDUCE), L.RULE_DISK_REDUCE);
    monitor |= bit(disk > param(L.PARAM_DISK_MONITOR), L.RULE_DISK_MONITOR);
  }
  if (present & L.PRESENT_ERROR_RATE) {
    const errorRate = load<f64>(record, L.RECORD_ERROR_RATE);
    reduce |= bit(errorRate > param(L.PARAM_ERROR_RATE_REDUCE), L.RULE_ERROR_RATE_REDUCE);
    monitor |= bit(errorRate > param(L.PARAM_ERROR_RATE_MONITOR), L.RULE_ERROR_RATE_MONITOR);
  }
  if (present & L.PRESENT_LATENCY) {
    const latency = load<f64>(record, L.RECORD_LATENCY);
    reduce |= bit(latency > param(L.PARAM_LATENCY_REDUCE), L.RULE_LATENCY_REDUCE);
    monitor |= bit(latency > param(L.PARAM_LATENCY_MONITOR), L.RULE_LATENCY_MONITOR);
  }
  store<u32>(record, emergency ? 3 : reduce ? 2 : monitor ? 1 : 0, L.RECORD_DECISION);
  store<u32>(record, emergency ? emergency : reduce ? reduce : monitor, L.RECORD_REASONS);
}

// @ts-ignore: decorator
@inline
function larger(a: f64, b: f64): f64 {
  return a < b ? b : a;
}

/** 0 to 1: the largest of what the inputs stand for. */
function pressureOf(record: i32, present: u32, severity: u32): f64 {
  let pressure = larger(load<f64>(record, L.RECORD_CPU) / 100.0, load<f64>(record, L.RECORD_RAM) / 100.0);
  if (present & L.PRESENT_DISK) pressure = larger(pressure, load<f64>(record, L.RECORD_DISK) / 100.0);
  if (present & L.PRESENT_TEMPERATURE) {
    const heat = (load<f64>(record, L.RECORD_TEMPERATURE) - param(L.PARAM_TEMPERATURE_FLOOR)) / param(L.PARAM_TEMPERATURE_SPAN);
    pressure = larger(pressure, heat > 1.0 ? 1.0 : heat);
  }
  return larger(pressure, load<f64>(L.PARAM_SEVERITY_PRESSURE + (severity << 3)));
}

/** Factor scores, weights rescaled over the factors present, shares, and their sum: the confidence. */
function weigh(record: i32, present: u32, pressure: f64): void {
  let absent: u32 = 0;
  let consistency = 0.0;
  let response = 0.0;
  let context = 0.0;
  let reliability = 0.0;
  if (present & L.PRESENT_HISTORY) {
    const distance = pressure - load<f64>(record, L.RECORD_HISTORY);
    consistency = 1.0 - (distance < 0.0 ? -distance : distance);
  } else absent |= 1;
  if (present & L.PRESENT_LATENCY) response = 1.0 / (1.0 + load<f64>(record, L.RECORD_LATENCY) / param(L.PARAM_LATENCY_SCALE));
  else absent |= 4;
  if (present & L.PRESENT_CONTEXT) context = load<f64>(record, L.RECORD_CONTEXT);
  else absent |= 16;
  if (present & L.PRESENT_ERROR_RATE) reliability = 1.0 - load<f64>(record, L.RECORD_ERROR_RATE);
  else absent |= 32;
  const efficiency = 1.0 - (load<f64>(record, L.RECORD_CPU) + load<f64>(record, L.RECORD_RAM)) / 200.0;

  // Weights of absent factors become 0; their scores are 0 already.
  const w0 = absent & 1 ? 0.0 : load<f64>(L.PARAM_WEIGHTS);
  const w1 = load<f64>(L.PARAM_WEIGHTS, 8);
  const w2 = absent & 4 ? 0.0 : load<f64>(L.PARAM_WEIGHTS, 16);
  const w3 = load<f64>(L.PARAM_WEIGHTS, 24);
  const w4 = absent & 16 ? 0.0 : load<f64>(L.PARAM_WEIGHTS, 32);
  const w5 = absent & 32 ? 0.0 : load<f64>(L.PARAM_WEIGHTS, 40);
  const total = w0 + w1 + w2 + w3 + w4 + w5;
  expect(total > 0.0, FAULT_RESULT);

  // Two lanes at a time; lane-wise / and * are the same IEEE operations as the scalar ones.
  const totals = f64x2.splat(total);
  const confidence =
    pair(record, 0, consistency, 1.0 - pressure, w0, w1, totals, 0.0);
  const confidence2 = pair(record, 16, response, efficiency, w2, w3, totals, confidence);
  const confidence3 = pair(record, 32, context, reliability, w4, w5, totals, confidence2);
  expect(confidence3 >= 0.0, FAULT_RESULT);
  // Rounding of the six sums may exceed 1 by a few units in the last place.
  store<f64>(record, confidence3 > 1.0 ? 1.0 : confidence3, L.RECORD_CONFIDENCE);
  store<u32>(record, absent, L.RECORD_ABSENT);
}

/** Stores scores, rescaled weights and shares of two factors; returns `sum` plus both shares, in order. */
// @ts-ignore: decorator
@inline
function pair(record: i32, at: i32, s0: f64, s1: f64, w0: f64, w1: f64, totals: v128, sum: f64): f64 {
  const scores = f64x2.replace_lane(f64x2.splat(s0), 1, s1);
  const weights = f64x2.div(f64x2.replace_lane(f64x2.splat(w0), 1, w1), totals);
  const shares = f64x2.mul(scores, weights);
  v128.store(record + at, scores, L.RECORD_SCORES);
  v128.store(record + at, weights, L.RECORD_WEIGHTS);
  v128.store(record + at, shares, L.RECORD_SHARES);
  return sum + f64x2.extract_lane(shares, 0) + f64x2.extract_lane(shares, 1);
}
