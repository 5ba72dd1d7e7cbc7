import {
  type Decision,
  type DecisionMade,
  decisions,
  type ScoreInput,
} from '../../../runtime/contracts/decision.js';
import { type Check, type Finding, ok } from './check.js';

/** The least that the published rules demand for these inputs; derived here anew, not by the code that decided. */
export function floorOf({ cpu, severity }: Pick<ScoreInput, 'cpu' | 'severity'>): Decision {
  if (severity === 'critical') return 'emergency_shutdown';
  if (cpu > 80) return 'reduce_load';
  if (cpu > 60) return 'monitor';
  return 'normal';
}

/** A decision is never milder than the rules that users rely on. */
export class DecisionRules implements Check {
  readonly name = 'decision_rules';
  readonly accountOf = 'zeroia';
  readonly kind = 'logical_consistency';
  readonly about =
    'A decision is at least what its inputs demand: critical is emergency_shutdown, cpu above 80 reduce_load, above 60 monitor.';
  #broken: { first: DecisionMade; count: number } | undefined;

  decided(decision: DecisionMade): void {
    const least = decisions.indexOf(floorOf(decision.input));
    if (decisions.indexOf(decision.score.decision) >= least) return;
    this.#broken = { first: this.#broken?.first ?? decision, count: (this.#broken?.count ?? 0) + 1 };
  }

  /** Tells what was broken since the last time it was asked. */
  compare(): Finding {
    if (this.#broken === undefined) return ok;
    const { first, count } = this.#broken;
    this.#broken = undefined;
    return {
      level: 'critical',
      fault: 'milder_than_rules',
      evidence: {
        decision_index: first.index,
        decision: first.score.decision,
        demanded: floorOf(first.input),
        cpu: first.input.cpu,
        severity: first.input.severity,
        count,
      },
    };
  }
}
