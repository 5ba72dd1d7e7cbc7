import { randomBytes } from 'node:crypto';
import type { DecisionMade, DecisionScorer, Score, ScoreInput } from '../../runtime/contracts/decision.js';
import type { Ledger, Receipt } from '../../runtime/contracts/ledger.js';
import { decisionEvent } from './encode.js';
import { StreamHistory } from './history.js';

export interface DecideOptions {
  stream: string;
  correlationId?: string;
  /** What was typed about it; recorded as a commitment only. */
  context?: string;
  /** Set for the device's own samples. */
  sampleMonotonicMs?: number;
}

export interface Decided {
  made: DecisionMade;
  receipt: Receipt;
}

/** Scores, remembers and records. Posted advice and the device's own samples use streams of their own in one history. */
export class Decider {
  readonly #scorer: DecisionScorer;
  readonly #ledger: Ledger;
  readonly #history: StreamHistory;
  readonly #idPrefix = `d-${randomBytes(5).toString('hex')}-`;
  #count = 0;

  constructor(scorer: DecisionScorer, ledger: Ledger, streamsMax: number) {
    this.#scorer = scorer;
    this.#ledger = ledger;
    this.#history = new StreamHistory(streamsMax);
  }

  get streams(): number {
    return this.#history.size;
  }

  /** Scores against the stream's history, then adds to it. The history is read in the order of arrival. */
  async score(input: ScoreInput, stream: string): Promise<{ input: ScoreInput; score: Score }> {
    const historyPressure = this.#history.mean(stream);
    if (historyPressure !== undefined) input.historyPressure = historyPressure;
    const score = await this.#scorer.score(input);
    this.#history.add(stream, score.pressure);
    return { input, score };
  }

  /** @throws AppError `ledger_unavailable` when it cannot be recorded; then there is no decision to rely on. */
  async record(input: ScoreInput, score: Score, options: DecideOptions): Promise<Decided> {
    const id = this.#idPrefix + (++this.#count).toString(36);
    const { stream, correlationId, context } = options;
    const receipt = await this.#ledger.append({
      type: 'decision_made',
      module: 'zeroia',
      stream,
      correlationId,
      data: decisionEvent(id, input, score, this.#scorer.identity),
      texts: context === undefined ? undefined : { context },
    });
    const made: DecisionMade = { id, stream, input, score, index: receipt.index };
    if (options.sampleMonotonicMs !== undefined) made.sampleMonotonicMs = options.sampleMonotonicMs;
    return { made, receipt };
  }
}
