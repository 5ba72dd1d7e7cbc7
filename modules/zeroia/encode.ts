import type { CoreIdentity, Score, ScoreInput } from '../../runtime/contracts/decision.js';
import { CanonicalJson } from '../../runtime/contracts/json.js';
import type { Receipt } from '../../runtime/contracts/ledger.js';

// JSON by hand, because a decision is written twice in some microseconds: half the time of JSON.stringify. Every text that stands here
// is an identifier of ours (letters, digits and . _ : -), so nothing needs escaping; ECMAScript writes a finite number as JSON does.

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
  text += `,"ram":${input.ram},"severity":"${input.severity}"`;
  if (input.temperatureC !== undefined) text += `,"temperature_c":${input.temperatureC}`;
  return `${text}}`;
}

/** The factors in the canonical order of their names. */
function factorsByName(factors: Score['factors']): string {
  const sorted = [...factors].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(({ name, score, weight }) => `"${name}":[${score},${weight}]`).join();
}

/** Data of the event `decision_made`: everything that the decision was made from and gave. */
export function decisionEvent(
  id: string,
  input: ScoreInput,
  score: Score,
  identity: CoreIdentity,
): CanonicalJson {
  return new CanonicalJson(
    `{"absent":${list(score.absent)},"confidence":${score.confidence},"core_sha256":"${identity.core_sha256}","decision":"${score.decision}","factors":{${factorsByName(score.factors)}},"id":"${id}","input":${inputJson(input)},"pressure":${score.pressure},"reasons":${list(score.reasons)},"weights_version":"${identity.weights_version}"}`,
  );
}

/** Body of the answer to POST /zeroia/decisions; its shape is `decisionAnswer`. */
export function answerJson(id: string, score: Score, identity: CoreIdentity, receipt: Receipt): string {
  let factors = '';
  for (const factor of score.factors) {
    factors += `${factors === '' ? '' : ','}{"name":"${factor.name}","score":${factor.score},"weight":${factor.weight},"share":${factor.share}}`;
  }
  return `{"id":"${id}","decision":"${score.decision}","confidence":${score.confidence},"factors":[${factors}],"absent":${list(score.absent)},"reasons":${list(score.reasons)},"model":{"core_sha256":"${identity.core_sha256}","weights_version":"${identity.weights_version}"},"recorded":"${receipt.recorded}","receipt":{"recorded":"${receipt.recorded}","index":${receipt.index},"leaf_hash":"${receipt.leaf_hash}"}}`;
}
