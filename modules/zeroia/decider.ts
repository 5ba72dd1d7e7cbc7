import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type {
  DecisionScorer,
  OwnScorer,
  Score,
  ScoreInput,
  ScoreRecord,
} from '../../runtime/contracts/decision.js';
import type { AnsweredClaim, NewClaim } from '../../runtime/contracts/idempotency.js';
import type { Ledger, NewEvent, Receipt } from '../../runtime/contracts/ledger.js';
import { type Recorded, type RecordOptions, reach, record } from '../../runtime/contracts/record.js';
import { DecisionEncoder, type EncodedDecision } from './encode.js';
import { StreamHistory } from './history.js';

/** What is kept of an answer for whoever asks again. */
const keptAnswer = z.object({ head: z.string() });

interface Again extends Pick<EncodedDecision, 'answerHead'> {
  recorded: Recorded;
}

export interface About {
  stream: string;
  correlationId?: string;
  /** What was typed about it; recorded as a commitment only. */
  context?: string | undefined;
  /** Id of the key that posted it, by which the context is found when it is to be erased. */
  key?: string | null;
}

/** Scores, remembers and records. Posted advice and the device's own samples use streams of their own in one history. */
export class Decider {
  readonly #scorer: DecisionScorer;
  readonly #ledger: Ledger;
  readonly #history: StreamHistory;
  readonly #advice: DecisionEncoder;
  readonly #own: DecisionEncoder;
  readonly #idPrefix = `d-${randomBytes(5).toString('hex')}-`;
  #count = 0;

  constructor(scorer: DecisionScorer, ledger: Ledger, streamsMax: number) {
    this.#scorer = scorer;
    this.#ledger = ledger;
    this.#history = new StreamHistory(streamsMax);
    this.#advice = new DecisionEncoder(scorer.identity);
    this.#own = new DecisionEncoder(scorer.identity);
  }

  get streams(): number {
    return this.#history.size;
  }

  /**
   * Scores posted measurements against the stream's history, then adds to it. The history is read in the order of arrival. Rejects
   * as the scorer does.
   */
  score(input: ScoreInput, stream: string): Promise<EncodedDecision> {
    this.#recall(input, stream);
    return this.#scorer.score(input, (record) => this.#keep(this.#advice, input, stream, record));
  }

  /** The same for the device's own stream, with parameters of its own, at once. Throws as the scorer does. */
  scoreOwn(
    score: OwnScorer,
    input: ScoreInput,
    { stream, repeated }: { stream: string; repeated: number },
  ): { encoded: EncodedDecision; score: Score } {
    this.#recall(input, stream);
    return score(input, (record) => ({
      encoded: this.#keep(this.#own, input, stream, record, repeated),
      score: record.toScore(),
    }));
  }

  /** @throws AppError `ledger_unavailable` when it cannot be recorded; then there is no decision to rely on. */
  record(encoded: EncodedDecision, about: About): Promise<Receipt> {
    return this.#ledger.append(eventOf(encoded, about));
  }

  /** The same, at the level and within the time that the caller asked for. */
  recordAt(encoded: EncodedDecision, about: About, options: RecordOptions): Promise<Recorded> {
    return record(this.#ledger, eventOf(encoded, about), options);
  }

  /**
   * The same for a request that is to be done once: with the decision is recorded what is to be given again, so it is durable at least.
   * @throws as `record` does.
   */
  async recordOnce(
    encoded: EncodedDecision,
    about: About,
    { claim, ...options }: Omit<RecordOptions, 'onLost'> & { claim: NewClaim },
  ): Promise<Recorded> {
    const event = eventOf(encoded, about);
    const texts: Record<string, string> = { ...event.texts };
    if (about.key != null) texts.key = about.key;
    const ending = claim.ending({ ...event, texts }, { head: encoded.answerHead });
    const receipt = await this.#ledger.append(ending);
    claim.settle(true);
    return reach(this.#ledger, receipt, options);
  }

  /** What was recorded so, once more. */
  again({ result, receipt }: AnsweredClaim, options: Omit<RecordOptions, 'onLost'>): Promise<Again> {
    const { head } = keptAnswer.parse(result);
    return reach(this.#ledger, receipt, options).then((recorded) => ({ answerHead: head, recorded }));
  }

  #recall(input: ScoreInput, stream: string): void {
    const mean = this.#history.mean(stream);
    if (mean !== undefined) input.historyPressure = mean;
  }

  #keep(
    encoder: DecisionEncoder,
    input: ScoreInput,
    stream: string,
    record: ScoreRecord,
    repeated = 0,
  ): EncodedDecision {
    this.#history.add(stream, record.pressure);
    this.#count += 1;
    return encoder.encode(this.#idPrefix + this.#count.toString(36), input, record, repeated);
  }
}

function eventOf({ event }: EncodedDecision, { stream, correlationId, context, key }: About): NewEvent {
  return {
    type: 'decision_made',
    module: 'zeroia',
    stream,
    correlationId,
    data: event,
    texts: context === undefined ? undefined : key == null ? { context } : { context, key },
  };
}
