import type { PromptMessage } from './types.js';

/**
 * What of a conversation is sent to a model whose context does not hold all of it. System messages stay, and the newest turn: the last
 * message of the user with all that follows it. The turns before are left out as a whole, oldest first, and no more of them than must be. A
 * turn begins at a message of the user; what stands before the first one counts as one.
 */
export function fittedHistory(
  messages: PromptMessage[],
  fits: (messages: PromptMessage[]) => boolean,
): { messages: PromptMessage[]; leftOut: number } {
  if (fits(messages)) return { messages, leftOut: 0 };
  const starts = turnStarts(messages);
  const from = (dropped: number) => {
    const start = starts[dropped] ?? 0;
    return messages.filter(({ role }, i) => role === 'system' || i >= start);
  };
  // The fewest turns whose absence makes room; the newest, the last start, always stays.
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(from(middle))) high = middle;
    else low = middle + 1;
  }
  const kept = from(Math.max(0, low));
  return { messages: kept, leftOut: messages.length - kept.length };
}

/** Where turns begin; the first is the first message that is no system message. */
function turnStarts(messages: PromptMessage[]): number[] {
  const starts: number[] = [];
  for (const [i, { role }] of messages.entries()) {
    if (role === 'user' || (role !== 'system' && starts.length === 0)) starts.push(i);
  }
  return starts;
}

/** Bytes of a token, as estimated where the engine does not count for us: few texts have less, so that too much is left out rather than too little. */
const tokenBytes = 3;
/** Hardly any text has more: what is too long even so is refused without asking. */
const tokenBytesMost = 6;
/** Role and marks of a message, in tokens. */
const messageTokens = 8;
/** Share of the context that is left for the answer, unless the request wants less. */
const answerShare = 4;

/** Tokens that are left for an answer before earlier turns are. */
export function answerRoom(contextTokens: number, maxTokens: number | undefined): number {
  return Math.min(maxTokens ?? contextTokens, Math.floor(contextTokens / answerShare));
}

/** The same for an engine that counts only itself, by an estimate; undefined when not even the newest turn can fit. */
export function estimatedHistory(
  messages: PromptMessage[],
  contextTokens: number,
  maxTokens: number | undefined,
): { messages: PromptMessage[]; leftOut: number } | undefined {
  const room = contextTokens - answerRoom(contextTokens, maxTokens);
  const fitted = fittedHistory(messages, (some) => estimate(some, tokenBytes) <= room);
  return estimate(fitted.messages, tokenBytesMost) > contextTokens ? undefined : fitted;
}

function estimate(messages: PromptMessage[], bytesEach: number): number {
  return messages.reduce((sum, { content, toolCalls = [] }) => {
    const calls = toolCalls.reduce((bytes, call) => bytes + call.name.length + call.arguments.length, 0);
    return sum + messageTokens + Math.ceil((Buffer.byteLength(content) + calls) / bytesEach);
  }, 0);
}
