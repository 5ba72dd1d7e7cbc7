import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { JsonObject } from '../../../runtime/contracts/json.js';
import { type Check, type Finding, ok } from './check.js';

/** Sums of six products of doubles differ in their last digits. */
const TOLERATED = 1e-6;

const differ = (one: number, other: number) => !(Math.abs(one - other) <= TOLERATED);

function incoherence({ score }: DecisionMade): { fault: string; evidence: JsonObject } | undefined {
  const { confidence, factors, absent } = score;
  if (factors.length === 0) return { fault: 'no_factor', evidence: { confidence } };
  for (const { name, score: value, weight, share } of factors) {
    if (differ(share, value * weight)) {
      return { fault: 'share_differs', evidence: { factor: name, score: value, weight, share } };
    }
  }
  const weights = factors.reduce((sum, { weight }) => sum + weight, 0);
  if (differ(weights, 1)) return { fault: 'weights_differ', evidence: { weights } };
  const shares = factors.reduce((sum, { share }) => sum + share, 0);
  if (differ(shares, confidence)) return { fault: 'confidence_differs', evidence: { confidence, shares } };
  const twice = factors.find(({ name }) => absent.includes(name));
  if (twice !== undefined) return { fault: 'absent_factor_counts', evidence: { factor: twice.name } };
  return undefined;
}

/** The confidence of a decision is what its factors make it; added up here anew, not by the code that scored. */
export class ConfidenceCoherence implements Check {
  readonly name = 'confidence_coherence';
  readonly kind = 'confidence_coherence';
  readonly accountOf = 'zeroia';
  readonly about =
    'The confidence of a decision is the sum of its shares, each share a score times its weight, the weights sum to 1, and no absent factor counts.';
  #wrong: { fault: string; evidence: JsonObject; count: number } | undefined;

  decided(decision: DecisionMade): void {
    const wrong = incoherence(decision);
    if (wrong === undefined) return;
    const { id, index } = decision;
    const first = {
      fault: wrong.fault,
      evidence: { decision: id, decision_index: index, ...wrong.evidence },
      count: 0,
    };
    this.#wrong ??= first;
    this.#wrong.count += 1;
  }

  /** Tells the first since it was last asked, and how many there were. */
  compare(): Finding {
    const wrong = this.#wrong;
    this.#wrong = undefined;
    if (wrong === undefined) return ok;
    return { level: 'critical', fault: wrong.fault, evidence: { ...wrong.evidence, count: wrong.count } };
  }
}
