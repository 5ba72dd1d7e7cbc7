// Decision scoring: see the README of this room for the definitions. Only + - * / and comparisons, in a fixed order, so that
// the result is the same to the last bit on every processor and in the TypeScript reference.

import { expect, FAULT_INPUT, FAULT_RANGE, FAULT_RESULT } from "./fault";
import * as L from "./layout";

// @ts-ignore: decorator
@inline
function bit(condition: bool, rule: i32): u32 {
  return u32(condition) << rule;
}

/** Scores the records `from` to `from + count - 1` in place. Threads may score disjoint ranges at once. */
export function scoreBatch(from: i32, count: i32): void {
  expect(from >= 0 && count >= 0 && count <= L.SLAB_RECORDS && from <= L.SLAB_RECORDS - count, FAULT_RANGE);
  const end = L.SLAB + (from + count) * L.RECORD_BYTES;
  for (let record = L.SLAB + from * L.RECORD_BYTES; record < end; record += L.RECORD_BYTES) scoreRecord(record, L.PARAMETERS);
}

/** Scores the device's own record with its own parameters. One thread at a time. */
export function scoreOwn(): void {
  scoreRecord(L.RECORD_OWN, L.PARAMETERS_OWN);
}

// @ts-ignore: decorator
@inline
function scoreRecord(record: i32, p: i32): void {
  const present = load<u32>(record, L.RECORD_PRESENT);
  const severity = <u32>load<u16>(record, L.RECORD_SEVERITY);
  expect(present < 128 && severity < 6, FAULT_INPUT);
  decide(record, p, present, severity);
  const pressure = pressureOf(record, p, present, severity);
  expect(pressure >= 0.0 && pressure <= 1.0, FAULT_RESULT);
  store<f64>(record, pressure, L.RECORD_PRESSURE);
  weigh(record, p, present, pressure);
}

/** The threshold at `at` in the block, lowered by `ease` of itself. With 0 it is the threshold to the bit. */
// @ts-ignore: decorator
@inline
function threshold(p: i32, at: i32, ease: f64): f64 {
  const base = load<f64>(p + at);
  return ease == 0.0 ? base : base - base * ease;
}

// @ts-ignore: decorator
@inline
function emergencyRules(record: i32, p: i32, present: u32, ease: f64): u32 {
  if (!(present & L.PRESENT_TEMPERATURE)) return 0;
  return bit(load<f64>(record, L.RECORD_TEMPERATURE) >= threshold(p, L.PARAM_TEMPERATURE_EMERGENCY, ease), L.RULE_TEMPERATURE_EMERGENCY);
}

// @ts-ignore: decorator
@inline
function reduceRules(record: i32, p: i32, present: u32, ease: f64): u32 {
  let rules =
    bit(load<f64>(record, L.RECORD_CPU) > threshold(p, L.PARAM_CPU_REDUCE, ease), L.RULE_CPU_REDUCE) |
    bit(load<f64>(record, L.RECORD_RAM) > threshold(p, L.PARAM_RAM_REDUCE, ease), L.RULE_RAM_REDUCE);
  if (present & L.PRESENT_TEMPERATURE)
    rules |= bit(load<f64>(record, L.RECORD_TEMPERATURE) >= threshold(p, L.PARAM_TEMPERATURE_REDUCE, ease), L.RULE_TEMPERATURE_REDUCE);
  if (present & L.PRESENT_DISK)
    rules |= bit(load<f64>(record, L.RECORD_DISK) > threshold(p, L.PARAM_DISK_REDUCE, ease), L.RULE_DISK_REDUCE);
  if (present & L.PRESENT_ERROR_RATE)
    rules |= bit(load<f64>(record, L.RECORD_ERROR_RATE) > threshold(p, L.PARAM_ERROR_RATE_REDUCE, ease), L.RULE_ERROR_RATE_REDUCE);
  if (present & L.PRESENT_LATENCY)
    rules |= bit(load<f64>(record, L.RECORD_LATENCY) > threshold(p, L.PARAM_LATENCY_REDUCE, ease), L.RULE_LATENCY_REDUCE);
  return rules;
}

// @ts-ignore: decorator
@inline
function monitorRules(record: i32, p: i32, present: u32, ease: f64): u32 {
  let rules =
    bit(load<f64>(record, L.RECORD_CPU) > threshold(p, L.PARAM_CPU_MONITOR, ease), L.RULE_CPU_MONITOR) |
    bit(load<f64>(record, L.RECORD_RAM) > threshold(p, L.PARAM_RAM_MONITOR, ease), L.RULE_RAM_MONITOR);
  if (present & L.PRESENT_TEMPERATURE)
    rules |= bit(load<f64>(record, L.RECORD_TEMPERATURE) >= threshold(p, L.PARAM_TEMPERATURE_MONITOR, ease), L.RULE_TEMPERATURE_MONITOR);
  if (present & L.PRESENT_DISK)
    rules |= bit(load<f64>(record, L.RECORD_DISK) > threshold(p, L.PARAM_DISK_MONITOR, ease), L.RULE_DISK_MONITOR);
  if (present & L.PRESENT_ERROR_RATE)
    rules |= bit(load<f64>(record, L.RECORD_ERROR_RATE) > threshold(p, L.PARAM_ERROR_RATE_MONITOR, ease), L.RULE_ERROR_RATE_MONITOR);
  if (present & L.PRESENT_LATENCY)
    rules |= bit(load<f64>(record, L.RECORD_LATENCY) > threshold(p, L.PARAM_LATENCY_MONITOR, ease), L.RULE_LATENCY_MONITOR);
  return rules;
}

/** The decision is the highest level that any rule gives; the reasons are the rules that gave that level. */
// @ts-ignore: decorator
@inline
function decide(record: i32, p: i32, present: u32, severity: u32): void {
  const emergency = bit(severity == 5, L.RULE_SEVERITY_CRITICAL) | emergencyRules(record, p, present, 0.0);
  const reduce = reduceRules(record, p, present, 0.0);
  const monitor = bit(severity == 4, L.RULE_SEVERITY_HIGH) | monitorRules(record, p, present, 0.0);
  const level: u32 = emergency ? 3 : reduce ? 2 : monitor ? 1 : 0;
  store<u32>(record, level, L.RECORD_DECISION);
  store<u32>(record, emergency ? emergency : reduce ? reduce : monitor, L.RECORD_REASONS);
  if (present & L.PRESENT_PREVIOUS) hold(record, p, present, level);
}

/**
 * Relief only: keeps a previous, higher decision while a figure is not clear of its threshold by the hysteresis, or until the
 * cooldown has passed. Never changes a decision that is as high as the previous one.
 */
function hold(record: i32, p: i32, present: u32, level: u32): void {
  const previous = <u32>load<u16>(record, L.RECORD_PREVIOUS);
  const age = load<f64>(record, L.RECORD_PREVIOUS_AGE);
  expect(previous < 4 && age >= 0.0, FAULT_INPUT);
  if (previous <= level) return;
  const ease = load<f64>(p + L.PARAM_HYSTERESIS);
  const emergency = emergencyRules(record, p, present, ease);
  const reduce = reduceRules(record, p, present, ease);
  const monitor = monitorRules(record, p, present, ease);
  const near: u32 = emergency ? 3 : reduce ? 2 : monitor ? 1 : 0;
  let held = level;
  if (near > level) {
    held = near < previous ? near : previous;
    store<u32>(record, (emergency ? emergency : reduce ? reduce : monitor) << L.RULE_HELD, L.RECORD_REASONS);
  }
  if (held < previous && age < load<f64>(p + L.PARAM_COOLDOWN)) {
    held = previous;
    store<u32>(record, bit(true, L.RULE_HELD_BY_COOLDOWN), L.RECORD_REASONS);
  }
  store<u32>(record, held, L.RECORD_DECISION);
}

// @ts-ignore: decorator
@inline
function larger(a: f64, b: f64): f64 {
  return a < b ? b : a;
}

/** 0 to 1: the largest of what the inputs stand for. */
// @ts-ignore: decorator
@inline
function pressureOf(record: i32, p: i32, present: u32, severity: u32): f64 {
  // One division for all percentages: it keeps their order.
  let percent = larger(load<f64>(record, L.RECORD_CPU), load<f64>(record, L.RECORD_RAM));
  if (present & L.PRESENT_DISK) percent = larger(percent, load<f64>(record, L.RECORD_DISK));
  let pressure = percent / 100.0;
  if (present & L.PRESENT_TEMPERATURE) {
    const heat = (load<f64>(record, L.RECORD_TEMPERATURE) - load<f64>(p + L.PARAM_TEMPERATURE_FLOOR)) / load<f64>(p + L.PARAM_TEMPERATURE_SPAN);
    pressure = larger(pressure, heat > 1.0 ? 1.0 : heat);
  }
  return larger(pressure, load<f64>(p + L.PARAM_SEVERITY_PRESSURE + (severity << 3)));
}

/** Factor scores, weights rescaled over the factors present, shares, and their sum: the confidence. */
// @ts-ignore: decorator
@inline
function weigh(record: i32, p: i32, present: u32, pressure: f64): void {
  let absent: u32 = 0;
  let consistency = 0.0;
  let response = 0.0;
  let context = 0.0;
  let reliability = 0.0;
  if (present & L.PRESENT_HISTORY) {
    const distance = pressure - load<f64>(record, L.RECORD_HISTORY);
    consistency = 1.0 - (distance < 0.0 ? -distance : distance);
  } else absent |= 1;
  if (present & L.PRESENT_LATENCY) response = 1.0 / (1.0 + load<f64>(record, L.RECORD_LATENCY) / load<f64>(p + L.PARAM_LATENCY_SCALE));
  else absent |= 4;
  if (present & L.PRESENT_CONTEXT) context = load<f64>(record, L.RECORD_CONTEXT);
  else absent |= 16;
  if (present & L.PRESENT_ERROR_RATE) reliability = 1.0 - load<f64>(record, L.RECORD_ERROR_RATE);
  else absent |= 32;
  const efficiency = 1.0 - (load<f64>(record, L.RECORD_CPU) + load<f64>(record, L.RECORD_RAM)) / 200.0;

  // Weights of absent factors become 0; their scores are 0 already.
  const w0 = absent & 1 ? 0.0 : load<f64>(p + L.PARAM_WEIGHTS);
  const w1 = load<f64>(p + L.PARAM_WEIGHTS, 8);
  const w2 = absent & 4 ? 0.0 : load<f64>(p + L.PARAM_WEIGHTS, 16);
  const w3 = load<f64>(p + L.PARAM_WEIGHTS, 24);
  const w4 = absent & 16 ? 0.0 : load<f64>(p + L.PARAM_WEIGHTS, 32);
  const w5 = absent & 32 ? 0.0 : load<f64>(p + L.PARAM_WEIGHTS, 40);
  const total = w0 + w1 + w2 + w3 + w4 + w5;
  expect(total > 0.0, FAULT_RESULT);

  // Two factors at a time; lane-wise / and * are the same IEEE operations as the scalar ones.
  const totals = f64x2.splat(total);
  const first = pair(record, 0, consistency, 1.0 - pressure, w0, w1, totals, 0.0);
  const second = pair(record, 16, response, efficiency, w2, w3, totals, first);
  const confidence = pair(record, 32, context, reliability, w4, w5, totals, second);
  expect(confidence >= 0.0, FAULT_RESULT);
  // Rounding of the six sums may exceed 1 by a few units in the last place.
  store<f64>(record, confidence > 1.0 ? 1.0 : confidence, L.RECORD_CONFIDENCE);
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
