import { asProblem, request } from '../api/call.js';
import { Problem } from '../api/problem.js';
import { serverSentEvents } from '../sse.js';
import { type Message, placeOf, type Reason, type Receipt, rateOf } from './conversations.js';

export interface Question {
  text: string;
  session_id: string;
  model: string | undefined;
  signal: AbortSignal;
  /** Told of each change; the message is the same object. */
  onChange(message: Partial<Message>): void;
}

interface Done {
  engine: string;
  model: string;
  finish_reason: string;
  usage?: { completion_tokens: number };
  reasons: Reason[];
  receipt: Receipt;
}

/** Asks and tells how the answer grows. It always ends in one of the final states; a stream without an end is `broken`. */
export async function ask({ text, session_id, model, signal, onChange }: Question): Promise<void> {
  const askedMs = performance.now();
  let firstMs: number | undefined;
  let answer = '';
  try {
    const body = JSON.stringify({ message: text, stream: true, session_id, model });
    const headers = { 'content-type': 'application/json' };
    const response = await request('/chat', { method: 'POST', body, headers, signal });
    for await (const { event, data } of serverSentEvents(response.body!)) {
      if (event === 'delta') {
        firstMs ??= performance.now();
        answer += (JSON.parse(data) as { text: string }).text;
        onChange({ text: answer, state: 'streaming', place: undefined });
      } else if (event === ':') {
        onChange({ place: placeOf(data) });
      } else if (event === 'done') {
        const done = JSON.parse(data) as Done;
        onChange(finished(done, { text, askedMs, firstMs }));
        return;
      } else if (event === 'error') {
        throw new Problem(500, JSON.parse(data) as Record<string, unknown>);
      }
    }
    onChange({ state: 'broken' });
  } catch (error) {
    if (signal.aborted) onChange({ state: 'stopped' });
    else if (error instanceof TypeError) onChange({ state: 'broken' });
    else onChange(refusedOrFailed(asProblem(error)));
  }
}

function finished(
  { engine, model, finish_reason, usage, reasons, receipt }: Done,
  { text, askedMs, firstMs }: { text: string; askedMs: number; firstMs: number | undefined },
): Partial<Message> {
  const took = firstMs === undefined ? 0 : performance.now() - firstMs;
  return {
    state: 'done',
    engine,
    model,
    finish_reason,
    receipt,
    prompt_chars: text.length,
    ...(reasons.length === 0 ? {} : { reasons }),
    ...(firstMs === undefined ? {} : { first_text_ms: Math.round(firstMs - askedMs) }),
    ...rateOf(usage?.completion_tokens, took),
  };
}

function refusedOrFailed({ code, message, retryAfterMs, document }: Problem): Partial<Message> {
  const error = {
    code,
    detail: message,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  };
  if (code !== 'prompt_refused') return { state: 'failed', error };
  return {
    state: 'refused',
    error,
    reasons: (document.reasons ?? []) as Reason[],
    ...(document.receipt === undefined ? {} : { receipt: document.receipt as Receipt }),
  };
}
