import { type Decision, decisions } from '../../contracts/decision.js';
import { type DegradationLevel, levels } from '../../contracts/device.js';
import type { TimelineEvent } from './events.js';

export const markNames = ['started', 'stopped', 'forecast', 'contradiction', 'incident'] as const;
export type Mark = (typeof markNames)[number];

/** What happened in one stretch of time. */
export interface Column {
  at_ms: number;
  /** The worst that was in force; null while no server ran. */
  level: DegradationLevel | null;
  /** The worst that the device's own decisions came to. */
  decision: Decision | null;
  /** The highest. */
  temperature_c: number | null;
  /** The mean. */
  cpu: number | null;
  marks: Mark[];
}

/** A run that ended without a word is taken to have gone on for this long after its last event. */
const silentMs = 600_000;

/** A state and since when. */
type Track<T> = { fromMs: number; value: T | null }[];

const marks: Record<string, Mark> = {
  system_started: 'started',
  system_stopped: 'stopped',
  forecast_alarmed: 'forecast',
  contradiction_detected: 'contradiction',
  incident_opened: 'incident',
};

interface Stretch {
  fromMs: number;
  toMs: number;
  columnMs: number;
}

/** Sums events, in the order of the log, up in equal stretches; the last ends at `toMs`. */
export function columnsOf(events: readonly TimelineEvent[], { fromMs, toMs, columnMs }: Stretch): Column[] {
  const { level, decision } = tracksOf(events);
  const count = Math.max(1, Math.ceil((toMs - fromMs) / columnMs));
  const columns = Array.from({ length: count }, (_, i): Column => {
    const at_ms = toMs - (count - i) * columnMs;
    const end = at_ms + columnMs;
    return {
      at_ms,
      level: worst(level, levels, at_ms, end),
      decision: worst(decision, decisions, at_ms, end),
      ...{ temperature_c: null, cpu: null, marks: [] },
    };
  });
  const loads = columns.map(() => ({ sum: 0, count: 0 }));
  for (const event of events) {
    const at = count - Math.ceil((toMs - event.time_ms) / columnMs);
    const column = columns[at];
    if (column === undefined) continue;
    const mark = marks[event.type];
    if (mark !== undefined && !column.marks.includes(mark)) column.marks.push(mark);
    const { cpu, temperature_c } = figuresOf(event);
    if (temperature_c !== undefined) {
      column.temperature_c = Math.max(column.temperature_c ?? Number.NEGATIVE_INFINITY, temperature_c);
    }
    if (cpu === undefined) continue;
    const load = loads[at]!;
    load.sum += cpu;
    load.count += 1;
    column.cpu = Math.round((load.sum / load.count) * 100) / 100;
  }
  return columns;
}

function tracksOf(events: readonly TimelineEvent[]) {
  const level: Track<DegradationLevel> = [];
  const decision: Track<Decision> = [];
  const ended = (fromMs: number) => {
    push(level, fromMs, null);
    push(decision, fromMs, null);
  };
  let before: TimelineEvent | undefined;
  for (const event of events) {
    const { type, time_ms: fromMs, data } = event;
    if (before !== undefined && before.boot_id !== event.boot_id && before.type !== 'system_stopped') {
      ended(Math.min(before.time_ms + silentMs, fromMs));
    }
    before = event;
    if (type === 'system_started') push(level, fromMs, 'normal');
    if (type === 'degradation_changed') push(level, fromMs, oneOf(levels, data.to));
    if (type === 'decision_made') push(decision, fromMs, oneOf(decisions, data.decision));
    if (type === 'system_stopped') ended(fromMs);
    // A level that nothing announced in what is still stored.
    if (type === 'snapshot_taken' && level.length === 0) push(level, fromMs, oneOf(levels, data.level));
  }
  return { level, decision };
}

function push<T>(track: Track<T>, fromMs: number, value: T | null): void {
  if (track.length === 0 || track.at(-1)!.value !== value) track.push({ fromMs, value });
}

/** The worst value between two times; each holds until the next. */
function worst<T extends string>(
  track: Track<T>,
  order: readonly T[],
  fromMs: number,
  toMs: number,
): T | null {
  let rank = -1;
  for (let i = 0; i < track.length; i++) {
    const { fromMs: begins, value } = track[i]!;
    const ends = track[i + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    if (value === null || begins >= toMs || Math.max(ends, begins + 1) <= fromMs) continue;
    rank = Math.max(rank, order.indexOf(value));
  }
  return rank < 0 ? null : order[rank]!;
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | null {
  return known.find((one) => one === value) ?? null;
}

/** Readings of the device in a snapshot or in one of its decisions. */
function figuresOf({ type, data }: TimelineEvent): { cpu?: number; temperature_c?: number } {
  const from = type === 'snapshot_taken' ? data.device : type === 'decision_made' ? data.input : undefined;
  if (from === null || typeof from !== 'object') return {};
  const { cpu, temperature_c } = from as Record<string, unknown>;
  return {
    ...(typeof cpu === 'number' && Number.isFinite(cpu) ? { cpu } : {}),
    ...(typeof temperature_c === 'number' && Number.isFinite(temperature_c) ? { temperature_c } : {}),
  };
}
