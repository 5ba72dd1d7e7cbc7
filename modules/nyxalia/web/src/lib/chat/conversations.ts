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

export interface Message {
  role: 'user' | 'assistant';
  text: string;
  state: AnswerState;
  at_ms: number;
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
  id: string;
  title: string;
  /** Of the appliance, once it has answered. */
  session_id?: string;
  /** The run of the appliance that holds it. */
  boot?: string;
  created_ms: number;
  updated_ms: number;
  messages: Message[];
}

type Store = Pick<Storage, 'getItem' | 'setItem'>;

const place = 'arkalia.conversations';
export const conversationsMax = 50;
export const storedCharsMax = 2_000_000;
const titleCharsMax = 60;

/** What this browser has kept; what is not ours or is damaged counts as nothing. */
export function readConversations(store: Store): Conversation[] {
  const text = store.getItem(place);
  if (text === null) return [];
  try {
    const list = JSON.parse(text) as unknown;
    if (!Array.isArray(list)) return [];
    return (list as Conversation[]).filter(isConversation).map(ended);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Keeps the newest that fit; returns how many older ones were let go. */
export function writeConversations(store: Store, conversations: readonly Conversation[]): number {
  const newest = [...conversations].sort((a, b) => b.updated_ms - a.updated_ms).slice(0, conversationsMax);
  for (;;) {
    const text = JSON.stringify(newest);
    if (text.length <= storedCharsMax || newest.length === 1) {
      store.setItem(place, text.length <= storedCharsMax ? text : '[]');
      return conversations.length - newest.length;
    }
    newest.pop();
  }
}

/** The first words of what was asked. */
export function titleOf(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length <= titleCharsMax ? line : `${line.slice(0, titleCharsMax - 1)}…`;
}

/** A conversation as Markdown. */
export function asMarkdown({ title, messages }: Conversation): string {
  const parts = messages.map(({ role, text, engine, model, receipt }) => {
    const who = role === 'user' ? '**You**' : `**${model ?? 'Arkalia'}** (${engine ?? '–'})`;
    const proof = receipt === undefined ? '' : `\n\nEvent ${receipt.index}, leaf ${receipt.leaf_hash}`;
    return `${who}\n\n${text}${proof}`;
  });
  return `# ${title}\n\n${parts.join('\n\n---\n\n')}\n`;
}

function isConversation(value: Conversation): boolean {
  return typeof value?.id === 'string' && typeof value.title === 'string' && Array.isArray(value.messages);
}

/** An answer that was under way when the page was left did not end. */
function ended(conversation: Conversation): Conversation {
  return {
    ...conversation,
    messages: conversation.messages.map((message) =>
      message.state === 'waiting' || message.state === 'streaming'
        ? { ...message, state: 'broken' }
        : message,
    ),
  };
}
