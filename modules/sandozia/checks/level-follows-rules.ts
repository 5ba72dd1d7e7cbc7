import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import { type Degradation, levels } from '../../../runtime/contracts/device.js';
import type { Config } from '../../../runtime/contracts/module.js';
import { type Check, type Finding, ok } from './check.js';
import { floorOf } from './decision-rules.js';

/**
 * What is done follows from what was measured: the level in force is at least the one that the table gives for what the last sample demands by the
 * published rules. A level is set within the turn that decides, so a difference counts only when two comparisons see it.
 */
export class LevelFollowsRules implements Check {
  readonly name = 'level_follows_rules';
  readonly kind = 'logical_consistency';
  readonly accountOf = 'zeroia';
  readonly about =
    'The level in force is at least what the table gives for the last figures by the published rules.';
  readonly #degradation: Pick<Degradation, 'level'>;
  readonly #table: Config['degradation']['levels'];
  #last: DecisionMade | undefined;
  #differed = false;

  constructor(degradation: Pick<Degradation, 'level'>, table: Config['degradation']['levels']) {
    this.#degradation = degradation;
    this.#table = table;
  }

  decided(decision: DecisionMade): void {
    if (decision.sampleMonotonicMs !== undefined) this.#last = decision;
  }

  compare(): Finding {
    if (this.#last === undefined) return { level: 'info', fault: 'no_decision', evidence: {} };
    const { input, id } = this.#last;
    const demanded = floorOf(input);
    const least = this.#table[demanded];
    const inForce = this.#degradation.level();
    const differs = levels.indexOf(inForce) < levels.indexOf(least);
    const seenBefore = this.#differed;
    this.#differed = differs;
    if (!differs || !seenBefore) return ok;
    return {
      level: 'critical',
      fault: 'level_too_mild',
      evidence: {
        decision: id,
        cpu: input.cpu,
        severity: input.severity,
        demanded,
        least,
        in_force: inForce,
      },
    };
  }
}
