import { type Decision, decisions } from '../../contracts/decision.js';
import type { JsonObject } from '../../contracts/json.js';
import type { Projection } from './projection.js';

export const hourMs = 3_600_000;
/** Hours that are kept: 60 days. Beyond it the earliest is forgotten. */
const hoursMax = 1440;
/** Streams whose last decision is known; beyond it the one unused for longest is forgotten. */
const streamsMax = 1024;
/** Types that are counted by name in an hour. */
const typesMax = 256;
const otherTypes = 'other';

export interface Hour {
  types: Map<string, number>;
  decisions: Record<Decision, number>;
  /** Between decisions of the device's own stream. */
  timeMs: Record<Decision, number>;
  transitions: Record<Decision, Record<Decision, number>>;
  calls: number;
  failedCalls: number;
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
    }
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

/** What is recorded was checked; a number that somebody wrote into the file need not be one. */
function number(value: JsonObject[string] | undefined): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}
