import type { GuardMode } from '../../../runtime/contracts/guard.js';
import type { PromptMessage } from '../../../runtime/contracts/sandbox.js';

/** A text that is judged by itself, and whose word it is. */
export interface Part {
  text: string;
  mode: GuardMode;
}

/** What is judged of a conversation: people's messages, and what tools brought, which is nobody's word. */
export function partsOfMessages(messages: readonly PromptMessage[]): Part[] {
  return messages
    .filter(({ role }) => role === 'user' || role === 'tool')
    .map(({ content, role }) => ({ text: content, mode: role === 'tool' ? 'document' : 'prompt' }));
}

/** What a message of OpenAI's API has that tells its parts apart. */
interface MarkedMessage {
  role: string;
  content?: unknown;
  /** `{ untrusted: true }` marks a message or a text part as a document. */
  arkalia?: unknown;
}

/**
 * The same for messages of which some, or some of their text parts, are marked with `"arkalia": {"untrusted": true}`: those are judged as
 * documents, each by itself. What is not marked in a message is judged in one, so that nothing hides between two parts.
 */
export function partsOfMarked(messages: readonly MarkedMessage[]): Part[] {
  return messages.flatMap((message): Part[] => {
    const isTool = message.role === 'tool' || message.role === 'function';
    if (message.role !== 'user' && !isTool) return [];
    const texts = textsOf(message.content);
    const all = isTool || isMarked(message);
    const documents = all ? texts : texts.filter(({ marked }) => marked);
    const typed = all ? [] : texts.filter(({ marked }) => !marked);
    const parts: Part[] = documents.map(({ text }) => ({ text, mode: 'document' }));
    if (typed.length > 0) parts.unshift({ text: typed.map(({ text }) => text).join(''), mode: 'prompt' });
    return parts;
  });
}

function textsOf(content: unknown): { text: string; marked: boolean }[] {
  if (typeof content === 'string') return [{ text: content, marked: false }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((item: { text?: unknown }) =>
    typeof item.text === 'string' ? [{ text: item.text, marked: isMarked(item) }] : [],
  );
}

function isMarked(item: object): boolean {
  const { arkalia } = item as { arkalia?: { untrusted?: unknown } | null };
  return typeof arkalia === 'object' && arkalia !== null && arkalia.untrusted === true;
}

/** A document that a person sends along with a message. */
export interface SentDocument {
  name: string;
  text: string;
}

/** A message with its documents, marked off for the model: what stands in them cannot close the mark. */
export function withDocuments(message: string, documents: readonly SentDocument[]): string {
  return [message, ...documents.map(markedDocument)].join('\n\n');
}

/** A document, marked off. */
export function markedDocument({ name, text }: SentDocument): string {
  const inside = text.replace(/<(\/?document)/gi, '< $1');
  return `<document name="${name.replace(/["<>\n]/g, ' ')}">\n${inside}\n</document>`;
}
