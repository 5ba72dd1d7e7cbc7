import {
  type CoreIdentity,
  type Decision,
  factorNames,
  type ParameterSet,
  type ScoreInput,
  type ScoreRecord,
} from '../../runtime/contracts/decision.js';
import { CanonicalJson } from '../../runtime/contracts/json.js';
import type { CheckpointedReceipt, Receipt } from '../../runtime/contracts/ledger.js';
import type { Recorded } from '../../runtime/contracts/record.js';

// JSON by hand, straight from the record: a decision is written twice in some microseconds, and most of that is turning figures into
// text. So each figure is turned once, and the text between the figures is made once. Every text that stands here is an identifier
// of ours (letters, digits and . _ : -), so nothing needs escaping; ECMAScript writes a finite number as JSON does.

/** A decision as texts: what is recorded, and the answer but for its receipt. */
export interface EncodedDecision {
  readonly id: string;
  readonly decision: Decision;
  readonly event: CanonicalJson;
  readonly answerHead: string;
}

/** Factors in the canonical order of their names. */
const canonicalOrder = [...factorNames.entries()].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([i]) => i);
/** Combinations of rules whose JSON is remembered. */
const reasonsRemembered = 1024;

/** A list of identifiers. */
function list(identifiers: readonly string[]): string {
  return identifiers.length === 0 ? '[]' : `["${identifiers.join('","')}"]`;
}

/** The input as it is recorded; keys in canonical order, absent values absent. */
function inputJson(input: ScoreInput): string {
  let text = '{';
  if (input.contextRelevance !== undefined) text += `"context_relevance":${input.contextRelevance},`;
  text += `"cpu":${input.cpu}`;
  if (input.disk !== undefined) text += `,"disk":${input.disk}`;
  if (input.errorRate !== undefined) text += `,"error_rate":${input.errorRate}`;
  if (input.historyPressure !== undefined) text += `,"history_pressure":${input.historyPressure}`;
  if (input.latencyMs !== undefined) text += `,"latency_ms":${input.latencyMs}`;
  if (input.previousAgeMs !== undefined) text += `,"previous_age_ms":${input.previousAgeMs}`;
  if (input.previousDecision !== undefined) text += `,"previous_decision":"${input.previousDecision}"`;
  text += `,"ram":${input.ram},"severity":"${input.severity}"`;
  if (input.temperatureC !== undefined) text += `,"temperature_c":${input.temperatureC}`;
  return `${text}}`;
}

/** What stands between the figures when these factors are present: it depends on the parameters and the absent factors only. */
interface Frame {
  absent: string;
  /** Factors present, in the order of each text, and the text before each of their figures. */
  eventFactors: readonly number[];
  beforeEventScore: readonly string[];
  afterEventScores: string;
  factors: readonly number[];
  beforeScore: readonly string[];
  beforeShare: readonly string[];
}

function frameOf(record: ScoreRecord): Frame {
  const bits = record.absentBits;
  const isPresent = (i: number) => (bits & (1 << i)) === 0;
  const factors = [...factorNames.keys()].filter(isPresent);
  const eventFactors = canonicalOrder.filter(isPresent);
  const weights = factorNames.map((_, i) => `${record.weight(i)}`);
  return {
    absent: list(factorNames.filter((_, i) => !isPresent(i))),
    eventFactors,
    beforeEventScore: eventFactors.map((i, n) =>
      n === 0 ? `"${factorNames[i]}":[` : `,${weights[eventFactors[n - 1]!]}],"${factorNames[i]}":[`,
    ),
    afterEventScores: `,${weights[eventFactors.at(-1)!]}]`,
    factors,
    beforeScore: factors.map((i, n) => `${n === 0 ? '' : '},'}{"name":"${factorNames[i]}","score":`),
    beforeShare: factors.map((i) => `,"weight":${weights[i]},"share":`),
  };
}

/** Writes decisions. Remembers the fixed text of the parameters that it met last, so use one for each stream of parameters. */
export class DecisionEncoder {
  readonly #coreSha256: string;
  readonly #scores: string[] = factorNames.map(() => '');
  #parameters: ParameterSet | undefined;
  /** By the bits of the absent factors, and by the bits of the rules. */
  #frames: (Frame | undefined)[] = [];
  #reasons = new Map<number, string>();
  #model = '';
  #afterPressure = '';
  #parametersMember = '';

  constructor(identity: CoreIdentity) {
    this.#coreSha256 = identity.core_sha256;
  }

  /**
   * The event `decision_made`, with everything that the decision was made from and gave, and the answer.
   * @param repeated Decisions before this one that were the same as the last recorded, and were not recorded.
   */
  encode(id: string, input: ScoreInput, record: ScoreRecord, repeated = 0): EncodedDecision {
    if (record.parameters !== this.#parameters) this.#meet(record.parameters);
    const { decision } = record;
    const frame = this.#frame(record);
    const reasons = this.#reasonsJson(record);
    const confidence = `${record.confidence}`;
    const scores = this.#scores;
    const { factors, beforeScore, beforeShare, eventFactors, beforeEventScore } = frame;
    let answered = '';
    for (let n = 0; n < factors.length; n++) {
      const factor = factors[n]!;
      const score = `${record.score(factor)}`;
      scores[factor] = score;
      answered += beforeScore[n]! + score + beforeShare[n]! + record.share(factor);
    }
    let recorded = '';
    for (let n = 0; n < eventFactors.length; n++) {
      recorded += beforeEventScore[n]! + scores[eventFactors[n]!]!;
    }
    return {
      id,
      decision,
      event: new CanonicalJson(
        `{"absent":${frame.absent},"confidence":${confidence},"core_sha256":"${this.#coreSha256}","decision":"${decision}","factors":{${recorded}${frame.afterEventScores}},"id":"${id}","input":${inputJson(input)}${this.#parametersMember}${record.pressure},"reasons":${reasons}${repeated === 0 ? '' : `,"repeated":${repeated}`}${this.#afterPressure}`,
      ),
      answerHead: `{"id":"${id}","decision":"${decision}","confidence":${confidence},"factors":[${answered}}],"absent":${frame.absent},"reasons":${reasons}${this.#model}`,
    };
  }

  #meet(parameters: ParameterSet): void {
    const { version, json } = parameters;
    this.#parameters = parameters;
    this.#frames = [];
    this.#reasons.clear();
    this.#parametersMember = `,"parameters":${json},"pressure":`;
    this.#afterPressure = `,"weights_version":"${version}"}`;
    this.#model = `,"model":{"core_sha256":"${this.#coreSha256}","weights_version":"${version}"},"recorded":"`;
  }

  #frame(record: ScoreRecord): Frame {
    const bits = record.absentBits;
    const known = this.#frames[bits];
    if (known !== undefined) return known;
    const made = frameOf(record);
    this.#frames[bits] = made;
    return made;
  }

  #reasonsJson(record: ScoreRecord): string {
    const bits = record.reasonBits;
    const known = this.#reasons.get(bits);
    if (known !== undefined) return known;
    const made = list(record.reasons);
    if (this.#reasons.size >= reasonsRemembered) this.#reasons.clear();
    this.#reasons.set(bits, made);
    return made;
  }
}

/** Body of the answer to POST /zeroia/decisions; its shape is `decisionAnswer`. */
export function answerJson(
  { answerHead }: Pick<EncodedDecision, 'answerHead'>,
  { recorded, receipt }: Recorded,
): string {
  return `${answerHead}${recorded}"${receipt === undefined ? '' : `,"receipt":${receiptJson(receipt)}`}}`;
}

function receiptJson(receipt: Receipt | CheckpointedReceipt): string {
  const { recorded, index, leaf_hash } = receipt;
  const proof = recorded === 'checkpointed' ? `,"proof":${JSON.stringify(receipt.proof)}` : '';
  return `{"recorded":"${recorded}","index":${index},"leaf_hash":"${leaf_hash}"${proof}}`;
}
