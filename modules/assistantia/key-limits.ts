import type { KeyMeter } from '../../runtime/contracts/access.js';
import { AppError } from '../../runtime/contracts/errors.js';
import { keyIdOf } from '../../runtime/contracts/http.js';
import type { PromptUsage } from '../../runtime/contracts/sandbox.js';
import type { Candidate } from './chain.js';
import type { EngineRequest } from './question.js';

/** What a token counts where an engine does not say how many there were: about right for English, little for other languages. */
const charsOfToken = 4;

/** @throws AppError `rate_limited` when the budget of the key behind the request is used up. */
export function admitByBudget(meter: KeyMeter, { client }: Pick<EngineRequest, 'client'>): void {
  const keyId = keyIdOf(client);
  if (keyId !== null) meter.admitPrompt(keyId);
}

/**
 * Counts what an engine was asked and said, whether or not it came to its end. navigator has no model, so it takes no tokens; another
 * engine that does not say is counted by characters, so that a budget holds with any engine.
 */
export function spend(
  meter: KeyMeter,
  { client }: Pick<EngineRequest, 'client'>,
  call: { engine: string; usage: PromptUsage | undefined; promptChars: number; answerChars: number },
): void {
  const keyId = keyIdOf(client);
  if (keyId === null) return;
  const estimate = (chars: number) => (call.engine === 'navigator' ? 0 : Math.ceil(chars / charsOfToken));
  meter.spend(keyId, {
    prompt_tokens: call.usage?.prompt_tokens ?? estimate(call.promptChars),
    completion_tokens: call.usage?.completion_tokens ?? estimate(call.answerChars),
  });
}

/**
 * The part of a chain that the key behind the request may use. A key names models as requests do: `arkalia`, an alias, a model, or
 * `engine/model`; what was asked for by a name of the list may be answered by all that the name stands for.
 * @throws AppError `forbidden` when nothing is left.
 */
export function allowedChain(
  chain: Candidate[],
  { models, model: named }: Pick<EngineRequest, 'models' | 'model'>,
): Candidate[] {
  if (models === undefined || chain.length === 0) return chain;
  if (models.includes(named ?? 'arkalia')) return chain;
  const left = chain.filter(
    ({ engine, model }) => models.includes(model) || models.includes(`${engine}/${model}`),
  );
  if (left.length > 0) return left;
  throw new AppError('forbidden', `This key may not use that model; it may use: ${models.join(', ')}.`, {
    details: { param: 'model' },
  });
}
