import { type FigureName, figureNames, type LedgerAnalytics } from '../../contracts/analytics.js';
import { type Decision, decisions } from '../../contracts/decision.js';
import { anomalyScore, type Baseline, baselineOf, robustScore } from './baseline.js';
import { type Hour, type HoursState, hourMs } from './hours.js';
import type { LatestState } from './latest.js';

/** Hours with events before anything is called unusual, and the most that are learned from: two weeks. */
const hoursNeeded = 12;
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

const figures: Record<FigureName, Figure> = {
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
  const baselines = learned(before.map((number) => all.get(number)!));
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
      figures: Object.fromEntries(baselines) as Partial<Record<FigureName, Baseline>>,
    },
    anomalies: window
      .flatMap((number) => anomalies(number, all.get(number)!, baselines))
      .slice(-anomaliesMax),
  };
}

/** Of the figures that enough hours tell something about. */
function learned(before: readonly Hour[]): Map<FigureName, Baseline> {
  const baselines = new Map<FigureName, Baseline>();
  for (const name of figureNames) {
    const values = before.map((hour) => figures[name].value(hour)).filter((value) => value !== undefined);
    if (values.length >= hoursNeeded) baselines.set(name, baselineOf(values));
  }
  return baselines;
}

function anomalies(
  number: number,
  hour: Hour,
  baselines: ReadonlyMap<FigureName, Baseline>,
): LedgerAnalytics['anomalies'] {
  return [...baselines].flatMap(([figure, baseline]) => {
    const value = figures[figure].value(hour);
    if (value === undefined) return [];
    const score = robustScore(value, baseline, figures[figure].noise(hour, baseline.median));
    if (score < anomalyScore) return [];
    return [{ hour_ms: number * hourMs, figure, value, median: baseline.median, score }];
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
