import type { KeptSession } from '../../../../../../runtime/contracts/session-list.js';
import type { Operations } from '../api/operations.js';

export interface Receipt {
  recorded: string;
  index: number;
  leaf_hash: string;
}

export interface Reason {
  rule: string;
  en: string;
  fr: string;
}

/** How an answer ended. `broken`: the line broke off before its end. */
type AnswerState = 'waiting' | 'streaming' | 'done' | 'stopped' | 'broken' | 'failed' | 'refused';

/** Where a question stands in the queue of an engine; 1 is the next to start. */
export interface Place {
  position: number;
  estimate_ms?: number;
}

export interface Message {
  role: 'user' | 'assistant';
  text: string;
  state: AnswerState;
  at_ms: number;
  /** While it waits in a queue. */
  place?: Place | undefined;
  engine?: string;
  model?: string;
  receipt?: Receipt;
  finish_reason?: string;
  /** From the first text to the last. */
  tokens_per_second?: number;
  first_text_ms?: number;
  prompt_chars?: number;
  error?: { code: string; detail: string; retry_after_ms?: number };
  reasons?: Reason[];
}

export interface Conversation {
  /** The session's id at the appliance. */
  id: string;
  title: string;
  updated_ms: number;
  /** Answers that the messages show, of those that the appliance has. */
  answers: number;
  /** `here`: begun on this page, and not in the appliance's list yet; `listed`: its messages were not read. */
  state: 'here' | 'listed' | 'read';
  messages: Message[];
}

type Turn = Operations['GET /sessions/{id}']['answer']['turns'][number];

/** The appliance's list, with what this page knows beyond it: messages that were read, and what is not listed yet. */
export function merged(known: Conversation[], listed: readonly KeptSession[]): Conversation[] {
  const before = new Map(known.map((conversation) => [conversation.id, conversation]));
  const ids = new Set(listed.map(({ id }) => id));
  const here = known.filter(({ id, state }) => state === 'here' && !ids.has(id));
  const kept = listed.map(({ id, title, last_used_ms, answers }): Conversation => {
    const held = before.get(id);
    if (held === undefined)
      return { id, title, updated_ms: last_used_ms, answers, state: 'listed', messages: [] };
    // The same object: an answer may be growing in it. It may have been used here since it was listed.
    const isWhole = held.state !== 'listed' && answers <= held.answers;
    const updated_ms = Math.max(held.updated_ms, last_used_ms);
    return Object.assign(held, { title, updated_ms, state: isWhole ? 'read' : 'listed' });
  });
  return [...here, ...kept];
}

/** What the appliance keeps of a conversation, as it is shown. */
export function messagesOf(turns: readonly Turn[]): Message[] {
  return turns.flatMap((turn) => {
    const { time_ms: at_ms, prompt = '', refused } = turn;
    const asked: Message = { role: 'user', text: prompt, state: 'done', at_ms };
    return [asked, refused === undefined ? answered(turn) : turnedAway(turn, refused)];
  });
}

function receiptOf({ index, leaf_hash }: Turn): Receipt {
  return { recorded: 'durable', index, leaf_hash };
}

function turnedAway(turn: Turn, refused: readonly string[]): Message {
  const reasons = refused.map((rule) => ({ rule, en: '', fr: '' }));
  const { time_ms: at_ms } = turn;
  return { role: 'assistant', text: '', state: 'refused', at_ms, reasons, receipt: receiptOf(turn) };
}

function answered(turn: Turn): Message {
  const { time_ms, prompt, answer = '', engine, model, finish_reason } = turn;
  const { first_text_ms, took_ms, completion_tokens } = turn;
  const speakingMs = took_ms === undefined || first_text_ms === undefined ? 0 : took_ms - first_text_ms;
  return {
    role: 'assistant',
    text: answer,
    state: 'done',
    at_ms: time_ms,
    receipt: receiptOf(turn),
    ...(engine === undefined ? {} : { engine }),
    ...(model === undefined ? {} : { model }),
    ...(finish_reason === undefined ? {} : { finish_reason }),
    ...(prompt === undefined ? {} : { prompt_chars: prompt.length }),
    ...(first_text_ms === undefined ? {} : { first_text_ms }),
    ...rateOf(completion_tokens, speakingMs),
  };
}

/** Tokens a second; nothing where the time is too short to say. */
export function rateOf(tokens: number | undefined, ms: number): { tokens_per_second?: number } {
  if (tokens === undefined || ms < 50) return {};
  return { tokens_per_second: Math.round((tokens / ms) * 10_000) / 10 };
}

/** A place that a comment of the stream tells; undefined for other comments, and once it starts. */
export function placeOf(comment: string): Place | undefined {
  const [, position, estimate] = /^waiting position=(\d+)(?: estimate_ms=(\d+))?$/.exec(comment) ?? [];
  if (position === undefined || position === '0') return undefined;
  return { position: Number(position), ...(estimate === undefined ? {} : { estimate_ms: Number(estimate) }) };
}

const titleCharsMax = 60;

/** The first words of what was asked. */
export function titleOf(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length <= titleCharsMax ? line : `${line.slice(0, titleCharsMax - 1)}…`;
}

/** A conversation as Markdown. */
export function asMarkdown({ title, messages }: Pick<Conversation, 'title' | 'messages'>): string {
  const parts = messages.map(({ role, text, engine, model, receipt }) => {
    const who = role === 'user' ? '**You**' : `**${model ?? 'Arkalia'}** (${engine ?? '–'})`;
    const proof = receipt === undefined ? '' : `\n\nEvent ${receipt.index}, leaf ${receipt.leaf_hash}`;
    return `${who}\n\n${text}${proof}`;
  });
  return `# ${title}\n\n${parts.join('\n\n---\n\n')}\n`;
}
