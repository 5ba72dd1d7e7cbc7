import { type AnalysedFigure, analysedFigures } from '../../contracts/analysed-figures.js';
import type { LedgerAnalytics } from '../../contracts/analytics.js';
import { type Decision, decisions } from '../../contracts/decision.js';
import { anomalyScore, type Baseline, robustScore } from './baseline.js';
import { behaviour } from './behaviour/behaviour.js';
import { type Hour, type HoursState, hourMs } from './hours.js';
import type { LatestState } from './latest.js';
import { hoursNeeded, type NumberedHour, Seasonal } from './seasonal.js';

/** Hours with events that are learned from at most: two weeks. */
const hoursLearned = 336;
const anomaliesMax = 100;
const types = (hour: Hour, ...names: string[]) =>
  names.reduce((sum, name) => sum + (hour.types.get(name) ?? 0), 0);

/** A figure of an hour, and the deviation that chance alone would give it around `expected`; undefined where the hour says nothing about it. */
interface Figure {
  value(hour: Hour): number | undefined;
  noise(hour: Hour, expected: number): number;
}

/** A count varies by the root of what is expected, and one is never a surprise. */
const counted = (...names: string[]): Figure => ({
  value: (hour) => types(hour, ...names),
  noise: (_, expected) => Math.sqrt(Math.max(1, expected)),
});

const answered = (hour: Hour) => types(hour, 'chat_answered', 'chat_failed') + hour.calls;

const figures: Record<AnalysedFigure, Figure> = {
  // Prompts and calls of engines; a share varies less the more there are.
  failure_rate: {
    value: (hour) =>
      answered(hour) === 0 ? undefined : (types(hour, 'chat_failed') + hour.failedCalls) / answered(hour),
    noise: (hour, expected) => {
      const n = Math.max(1, answered(hour));
      const share = Math.min(1 - 1 / (n + 1), Math.max(1 / (n + 1), expected));
      return Math.sqrt((share * (1 - share)) / n);
    },
  },
  refusals: counted('prompt_refused'),
  system_errors: counted('system_error'),
  contradictions: counted('contradiction_detected'),
  emergencies: {
    value: (hour) => hour.decisions.emergency_shutdown,
    noise: (_, expected) => Math.sqrt(Math.max(1, expected)),
  },
};

/** All that was recorded, as the projections hold it. */
interface Account {
  hours: HoursState;
  latest: LatestState;
  size: number;
}

/**
 * Counts, patterns and anomalies of the last `hours` hours up to the newest event. Each hour is compared with what the hours before the window
 * were like, not with fixed numbers.
 */
export function analyse({ hours: { hours: all }, latest, size }: Account, hours: number): LedgerAnalytics {
  const numbers = [...all.keys()].sort((a, b) => a - b);
  const newest = numbers.at(-1);
  const first = newest === undefined ? 0 : newest - hours + 1;
  const window = numbers.filter((number) => number >= first);
  const before = numbers.filter((number) => number < first).slice(-hoursLearned);
  const inWindow = window.map((number) => all.get(number)!);
  const numbered = (of: readonly number[]) => of.map((number) => [number, all.get(number)!] as const);
  const usual = learned(numbered(before));
  return {
    size,
    from_ms: window.length === 0 ? null : window[0]! * hourMs,
    to_ms: newest === undefined ? null : (newest + 1) * hourMs,
    hours: window.length,
    types: typeCounts(inWindow),
    standing: {
      level: latest.level,
      breakers: Object.fromEntries(latest.breakers),
      types: Object.fromEntries(latest.counts),
    },
    decisions: decisionPatterns(inWindow),
    baseline: {
      state: before.length < hoursNeeded ? 'learning' : 'learned',
      hours: before.length,
      hours_needed: hoursNeeded,
      figures: overAll(usual),
    },
    anomalies: window.flatMap((number) => anomalies(number, all.get(number)!, usual)).slice(-anomaliesMax),
    behaviour: behaviour(numbered(window), numbered(before)),
  };
}

function learned(before: readonly NumberedHour[]): Map<AnalysedFigure, Seasonal> {
  return new Map(analysedFigures.map((name) => [name, new Seasonal(before, figures[name].value)]));
}

/** Of the figures that enough hours tell something about. */
function overAll(usual: ReadonlyMap<AnalysedFigure, Seasonal>): Partial<Record<AnalysedFigure, Baseline>> {
  return Object.fromEntries(
    [...usual].flatMap(([name, { all }]) => (all === undefined ? [] : [[name, all]])),
  );
}

function anomalies(
  number: number,
  hour: Hour,
  usual: ReadonlyMap<AnalysedFigure, Seasonal>,
): LedgerAnalytics['anomalies'] {
  return [...usual].flatMap(([figure, seasonal]) => {
    const value = figures[figure].value(hour);
    const baseline = seasonal.at(number);
    if (value === undefined || baseline === undefined) return [];
    const score = robustScore(value, baseline, figures[figure].noise(hour, baseline.median));
    if (score < anomalyScore) return [];
    const { median, against } = baseline;
    return [{ hour_ms: number * hourMs, figure, value, median, against, score }];
  });
}

function typeCounts(hours: readonly Hour[]): LedgerAnalytics['types'] {
  const counts: LedgerAnalytics['types'] = {};
  const names = new Set(hours.flatMap((hour) => [...hour.types.keys()]));
  for (const name of [...names].sort()) {
    const count = hours.reduce((sum, hour) => sum + types(hour, name), 0);
    counts[name] = { count, per_hour: count / hours.length };
  }
  return counts;
}

function decisionPatterns(hours: readonly Hour[]): LedgerAnalytics['decisions'] {
  const sum = (of: (hour: Hour) => number) => hours.reduce((total, hour) => total + of(hour), 0);
  const each = <T>(value: (decision: Decision) => T) =>
    Object.fromEntries(decisions.map((decision) => [decision, value(decision)])) as Record<Decision, T>;
  const counts = each((decision) => sum((hour) => hour.decisions[decision]));
  const all = Math.max(
    1,
    Object.values(counts).reduce((total, count) => total + count, 0),
  );
  return {
    counts,
    share: each((decision) => counts[decision] / all),
    time_ms: each((decision) => sum((hour) => hour.timeMs[decision])),
    transitions: each((from) => each((to) => sum((hour) => hour.transitions[from][to]))),
  };
}
