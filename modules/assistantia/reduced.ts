import type { Limits } from '../../runtime/contracts/device.js';
import type { Config } from '../../runtime/contracts/module.js';
import type { PromptMessage, PromptSampling } from '../../runtime/contracts/sandbox.js';
import type { Candidate, ChainRequest, ChainSources } from './chain.js';

/** What a model is sent, as short as the level in force asks: fewer tokens to write, fewer earlier messages to read. */
export function reducedPrompt(
  { messages, sampling }: { messages: PromptMessage[]; sampling: PromptSampling },
  { answerTokensMax, contextCharsMax }: Pick<Limits, 'answerTokensMax' | 'contextCharsMax'>,
): { messages: PromptMessage[]; sampling: PromptSampling } {
  return {
    messages: contextCharsMax === null ? messages : recent(messages, contextCharsMax),
    sampling:
      answerTokensMax === null
        ? sampling
        : { ...sampling, maxTokens: Math.min(sampling.maxTokens ?? answerTokensMax, answerTokensMax) },
  };
}

/** System messages, the last question with all that follows it, and before it what fits, newest first. */
function recent(messages: PromptMessage[], charsMax: number): PromptMessage[] {
  const last = Math.max(
    0,
    messages.findLastIndex(({ role }) => role === 'user'),
  );
  let left = charsMax;
  let full = false;
  const kept = messages.toReversed().filter(({ role, content }, fromEnd) => {
    if (role === 'system' || messages.length - 1 - fromEnd >= last) return true;
    left -= content.length;
    full ||= left < 0;
    return !full;
  });
  return kept.toReversed();
}

/** The chain with the small model of each engine that has one, where the request names no model and the level asks for it. */
export function smallerModels(
  chain: Candidate[],
  { model }: Pick<ChainRequest, 'model'>,
  { limits, config, engines }: { limits: Limits; config: Config['engines'] } & Pick<ChainSources, 'engines'>,
): Candidate[] {
  if (!limits.smallModels || model !== undefined) return chain;
  return chain.map((candidate) => {
    const { engine } = candidate;
    const small = engine === 'ollama' || engine === 'openai' ? config[engine].small_model : undefined;
    const offered = engines.find(({ name }) => name === engine)?.models ?? [];
    return small !== undefined && offered.includes(small) ? { engine, model: small } : candidate;
  });
}
