import type { BehaviourFinding } from '../../../contracts/analytics.js';
import type { NumberedHour } from '../seasonal.js';
import { anomalies } from './anomalies.js';
import { correlations } from './correlations.js';
import { decisionPatterns } from './decision-patterns.js';
import { regressions } from './regressions.js';

const findingsMax = 100;

/** What the appliance did otherwise than it used to, in the order of time; the last 100. */
export function behaviour(
  window: readonly NumberedHour[],
  before: readonly NumberedHour[],
): BehaviourFinding[] {
  return [anomalies, regressions, decisionPatterns, correlations]
    .flatMap((look) => look(window, before))
    .sort((a, b) => a.hour_ms - b.hour_ms)
    .slice(-findingsMax);
}
