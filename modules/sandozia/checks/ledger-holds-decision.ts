import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { Ledger, StoredEvent } from '../../../runtime/contracts/ledger.js';
import { type Check, type Finding, ok } from './check.js';

type Recorded = DecisionMade & { index: number };

function disagreement(event: StoredEvent | undefined, decision: Recorded): string | undefined {
  if (event === undefined || event.index !== decision.index) return 'missing_from_ledger';
  if (event.type !== 'decision_made') return 'another_event';
  if (event.data.id !== decision.id || event.stream !== decision.stream) return 'another_decision';
  return event.data.decision === decision.score.decision ? undefined : 'decision_differs';
}

/** The ledger agrees with ZeroIA: what a decision's receipt points at is that decision. One look at the ledger for each decision. */
export class LedgerHoldsDecision implements Check {
  readonly name = 'ledger_holds_decision';
  readonly accountOf = 'zeroia';
  readonly kind = 'data_consistency';
  readonly about = 'The ledger holds, at the index that a decision announced, that very decision.';
  readonly #ledger: Pick<Ledger, 'query'>;
  #latest: Recorded | undefined;
  /** The decision that the ledger was last found to hold: a device at rest records one in minutes, and compares every few seconds. */
  #agreed: Recorded | undefined;

  constructor(ledger: Pick<Ledger, 'query'>) {
    this.#ledger = ledger;
  }

  decided(decision: DecisionMade): void {
    const { index } = decision;
    if (index !== null) this.#latest = { ...decision, index };
  }

  /** @throws what the ledger throws when it cannot be asked. */
  async compare(): Promise<Finding> {
    const decision = this.#latest;
    if (decision === undefined) return { level: 'info', fault: 'no_decision', evidence: {} };
    if (decision === this.#agreed) return ok;
    const [event] = await this.#ledger.query({ since: decision.index, limit: 1, order: 'asc' });
    const fault = disagreement(event, decision);
    if (fault === undefined) {
      this.#agreed = decision;
      return ok;
    }
    return {
      level: 'critical',
      fault,
      evidence: {
        decision_index: decision.index,
        announced: decision.score.decision,
        recorded: typeof event?.data.decision === 'string' ? event.data.decision : null,
        recorded_type: event?.type ?? null,
      },
    };
  }
}
