import type { JsonObject } from '../../runtime/contracts/json.js';
import type { StoredEvent } from '../../runtime/contracts/ledger.js';
import type { PromptMessage } from '../../runtime/contracts/sandbox.js';

const titleCharsMax = 60;

/** What was asked once in a conversation, and what came of it. */
export interface KeptTurn {
  index: number;
  leaf_hash: string;
  time_ms: number;
  prompt?: string;
  answer?: string;
  engine?: string;
  model?: string;
  finish_reason?: string;
  first_text_ms?: number;
  took_ms?: number;
  completion_tokens?: number;
  /** The rules of the guard that refused it. */
  refused?: string[];
}

/** An event of a conversation as a turn of it; undefined for one that holds neither an answer nor a refusal. */
export function turnOf(event: StoredEvent, { prompt, answer }: Record<string, string>): KeptTurn | undefined {
  const { index, leaf_hash, time_ms, data } = event;
  const turn = { index, leaf_hash, time_ms, ...(prompt === undefined ? {} : { prompt }) };
  if (event.type === 'prompt_refused') return { ...turn, refused: data.rules as string[] };
  if (event.type !== 'chat_answered') return undefined;
  const { completion_tokens } = (data.usage ?? {}) as JsonObject;
  return {
    ...turn,
    ...(answer === undefined ? {} : { answer }),
    engine: String(data.engine),
    model: String(data.model),
    finish_reason: String(data.finish_reason),
    took_ms: Number(data.took_ms),
    ...(data.first_text_ms === undefined ? {} : { first_text_ms: Number(data.first_text_ms) }),
    ...(completion_tokens === undefined ? {} : { completion_tokens: Number(completion_tokens) }),
  };
}

/** What a turn gives to the ones after it: nothing where it was refused, withheld or erased. */
export function messagesOf({ prompt, answer, finish_reason }: KeptTurn): PromptMessage[] {
  if (prompt === undefined || answer === undefined || finish_reason === 'content_filter') return [];
  return [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answer },
  ];
}

/** The first words of what was asked, on one line. */
export function titleOf(text: string): string {
  const line = text.slice(0, 1000).trim().replace(/\s+/g, ' ');
  return line.length <= titleCharsMax ? line : `${line.slice(0, titleCharsMax - 1)}…`;
}
