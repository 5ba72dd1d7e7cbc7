import type { BusEvents } from '../../../runtime/contracts/bus.js';
import type { Ledger, StoredEvent } from '../../../runtime/contracts/ledger.js';
import { type Check, type Finding, ok } from './check.js';

type Answered = BusEvents['prompt.answered'];

function disagreement(event: StoredEvent | undefined, answered: Answered): string | undefined {
  if (event === undefined || event.index !== answered.index) return 'missing_from_ledger';
  if (event.type !== 'chat_answered') return 'another_event';
  if (event.correlation_id !== answered.requestId) return 'another_request';
  const { engine, model } = event.data;
  return engine === answered.engine && model === answered.model ? undefined : 'speaker_differs';
}

/** The ledger agrees with Assistantia: what an answer's receipt points at is that answer. One look at the ledger a comparison. */
export class LedgerHoldsAnswer implements Check {
  readonly name = 'ledger_holds_answer';
  readonly accountOf = 'assistantia';
  readonly kind = 'data_consistency';
  readonly about = 'The ledger holds, at the index that an answer was given with, that very answer.';
  readonly #ledger: Pick<Ledger, 'query'>;
  #latest: Answered | undefined;
  #isFirst = true;

  constructor(ledger: Pick<Ledger, 'query'>) {
    this.#ledger = ledger;
  }

  answered(answered: Answered): void {
    this.#latest = answered;
  }

  /** @throws what the ledger throws when it cannot be asked. */
  async compare(): Promise<Finding> {
    const latest = this.#latest;
    if (latest === undefined) return this.#isFirst ? { level: 'info', fault: 'no_answer', evidence: {} } : ok;
    const [event] = await this.#ledger.query({ since: latest.index, limit: 1, order: 'asc' });
    // What is found false is told once: as long as no other answer is given, it says nothing about those to come.
    if (this.#latest === latest) this.#latest = undefined;
    this.#isFirst = false;
    const fault = disagreement(event, latest);
    if (fault === undefined) return ok;
    const { index, engine, model } = latest;
    return { level: 'critical', fault, evidence: { index, engine, model, recorded: event?.type ?? null } };
  }
}
