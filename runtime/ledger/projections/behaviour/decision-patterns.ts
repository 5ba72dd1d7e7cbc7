import { anomalyScore, robustScore } from '../baseline.js';
import { type Hour, hourMs } from '../hours.js';
import { hoursNeeded, Seasonal } from '../seasonal.js';
import type { Look } from './finding.js';

const changes = (hour: Hour) => {
  let sum = 0;
  for (const [step, count] of hour.ownSteps) {
    const [from, to] = step.split('>');
    if (from !== to) sum += count;
  }
  return sum;
};

/** The device's own decisions: hours in which they change far more often than usual, and steps that were never seen before. */
export const decisionPatterns: Look = (window, before) => {
  const decided = before.filter(([, { ownSteps }]) => ownSteps.size > 0);
  const seasonal = new Seasonal(decided, changes);
  const restless = window.flatMap(([number, hour]) => {
    const usual = seasonal.at(number);
    if (usual === undefined) return [];
    const value = changes(hour);
    const { median, mad, against, hours } = usual;
    const score = robustScore(value, usual, Math.sqrt(Math.max(1, median)));
    if (score < anomalyScore) return [];
    const numbers = { value, median, mad, score, hours };
    return [
      { kind: 'pattern' as const, figure: 'decision_changes', hour_ms: number * hourMs, against, numbers },
    ];
  });
  if (decided.length < hoursNeeded) return restless;
  const known = new Set(decided.flatMap(([, { ownSteps }]) => [...ownSteps.keys()]));
  const fresh = new Map<string, { count: number; firstHour: number }>();
  for (const [number, { ownSteps }] of window) {
    for (const [step, count] of ownSteps) {
      if (known.has(step)) continue;
      const { count: sum = 0, firstHour = number } = fresh.get(step) ?? {};
      fresh.set(step, { count: sum + count, firstHour });
    }
  }
  const unseen = [...fresh].map(([step, { count, firstHour }]) => ({
    kind: 'pattern' as const,
    figure: `first ${step}`,
    hour_ms: firstHour * hourMs,
    against: 'all_hours' as const,
    numbers: { value: count, hours: decided.length },
  }));
  return [...restless, ...unseen];
};
