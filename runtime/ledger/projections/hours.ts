import { type Decision, decisions } from '../../contracts/decision.js';
import type { JsonObject } from '../../contracts/json.js';
import type { Projection } from './projection.js';
import { Thinned } from './thinned.js';

export const hourMs = 3_600_000;
/** Hours that are kept: 60 days. Beyond it the earliest is forgotten. */
const hoursMax = 1440;
/** Streams whose last decision is known; beyond it the one unused for longest is forgotten. */
const streamsMax = 1024;
/** Types that are counted by name in an hour. */
const typesMax = 256;
const otherTypes = 'other';
/** Series of speeds in an hour: two an engine. */
const speedsMax = 32;

/** Figures of the device as a snapshot holds them. */
export interface DeviceRow {
  cpu?: number;
  ram?: number;
  disk?: number;
  temperature_c?: number;
}

export interface Hour {
  types: Map<string, number>;
  decisions: Record<Decision, number>;
  /** Between decisions of the device's own stream. */
  timeMs: Record<Decision, number>;
  transitions: Record<Decision, Record<Decision, number>>;
  calls: number;
  failedCalls: number;
  /** Of the snapshots. */
  rows: Thinned<DeviceRow>;
  /** Of the device's own decisions, and how they follow each other: `from>to`. */
  confidence: Thinned<number>;
  ownSteps: Map<string, number>;
  /** Of answers: `first_text_ms ENGINE` and `ms_per_token ENGINE`. */
  speeds: Map<string, Thinned<number>>;
}

interface Last {
  decision: Decision;
  bootId: string;
  monotonicMs: number;
}

export interface HoursState {
  /** By the number of the hour since 1970. */
  hours: Map<number, Hour>;
  last: Map<string, Last>;
}

const ownStream = 'device';

const perDecision = (): Record<Decision, number> => ({
  normal: 0,
  monitor: 0,
  reduce_load: 0,
  emergency_shutdown: 0,
});

function newHour(): Hour {
  return {
    types: new Map(),
    decisions: perDecision(),
    timeMs: perDecision(),
    transitions: {
      normal: perDecision(),
      monitor: perDecision(),
      reduce_load: perDecision(),
      emergency_shutdown: perDecision(),
    },
    calls: 0,
    failedCalls: 0,
    rows: new Thinned(),
    confidence: new Thinned(),
    ownSteps: new Map(),
    speeds: new Map(),
  };
}

/** What happened in each hour of wall time: counts by type, decisions and how they follow each other, calls of engines. */
export const hoursProjection: Projection<HoursState> = {
  name: 'hours',
  initial: () => ({ hours: new Map(), last: new Map() }),
  apply(state, event) {
    const hour = hourOf(state, Math.floor(event.time_ms / hourMs));
    const name = hour.types.has(event.type) || hour.types.size < typesMax ? event.type : otherTypes;
    hour.types.set(name, (hour.types.get(name) ?? 0) + 1);
    const { decision, calls } = event.data;
    if (event.type === 'decision_made' && isDecision(decision)) {
      hour.decisions[decision]++;
      if (event.stream !== null) follow(state, hour, { ...event, stream: event.stream, decision });
      const { confidence } = event.data;
      if (event.stream === ownStream && isNumber(confidence)) hour.confidence.add(confidence);
    }
    if (event.type === 'snapshot_taken') hour.rows.add(rowOf(event.data));
    if (event.type === 'chat_answered') addSpeeds(hour, event.data);
    if (event.type === 'circuit_success' || event.type === 'circuit_failure') {
      hour.calls += number(calls);
      if (event.type === 'circuit_failure') hour.failedCalls += number(calls);
    }
  },
};

function hourOf({ hours }: HoursState, number: number): Hour {
  const known = hours.get(number);
  if (known !== undefined) return known;
  const made = newHour();
  hours.set(number, made);
  if (hours.size > hoursMax) hours.delete(Math.min(...hours.keys()));
  return made;
}

interface Decided {
  stream: string;
  decision: Decision;
  boot_id: string;
  monotonic_ms: number;
}

function follow(
  { last }: HoursState,
  hour: Hour,
  { stream, decision, boot_id, monotonic_ms }: Decided,
): void {
  const before = last.get(stream);
  if (before !== undefined) {
    hour.transitions[before.decision][decision]++;
    const step = `${before.decision}>${decision}`;
    if (stream === ownStream) hour.ownSteps.set(step, (hour.ownSteps.get(step) ?? 0) + 1);
    // Times of two runs do not compare.
    if (stream === ownStream && before.bootId === boot_id) {
      hour.timeMs[before.decision] += Math.max(0, monotonic_ms - before.monotonicMs);
    }
    last.delete(stream);
  }
  last.set(stream, { decision, bootId: boot_id, monotonicMs: monotonic_ms });
  if (last.size > streamsMax) last.delete(last.keys().next().value!);
}

function isDecision(value: JsonObject[string] | undefined): value is Decision {
  return (decisions as readonly unknown[]).includes(value);
}

/** No figure is larger; what somebody wrote into the file may be, and sums of it would not be finite. */
const figureMax = 1e12;

function isNumber(value: JsonObject[string] | undefined): value is number {
  return typeof value === 'number' && Math.abs(value) <= figureMax;
}

function rowOf({ device }: JsonObject): DeviceRow {
  const row: DeviceRow = {};
  if (device === null || typeof device !== 'object' || Array.isArray(device)) return row;
  for (const figure of ['cpu', 'ram', 'disk', 'temperature_c'] as const) {
    const value = device[figure];
    if (isNumber(value)) row[figure] = value;
  }
  return row;
}

function addSpeeds({ speeds }: Hour, { engine, took_ms, first_text_ms, usage }: JsonObject): void {
  const add = (name: string, value: number) => {
    const known = speeds.get(name);
    if (known !== undefined) known.add(value);
    else if (speeds.size < speedsMax) {
      const made = new Thinned<number>();
      made.add(value);
      speeds.set(name, made);
    }
  };
  if (typeof engine !== 'string') return;
  if (isNumber(first_text_ms)) add(`first_text_ms ${engine}`, first_text_ms);
  const tokens =
    usage !== null && typeof usage === 'object' && !Array.isArray(usage) ? usage?.completion_tokens : null;
  if (isNumber(took_ms) && isNumber(tokens) && tokens > 0) {
    const writingMs = isNumber(first_text_ms) ? Math.max(0, took_ms - first_text_ms) : took_ms;
    add(`ms_per_token ${engine}`, writingMs / tokens);
  }
}

/** What is recorded was checked; a number that somebody wrote into the file need not be one. */
function number(value: JsonObject[string] | undefined): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}
