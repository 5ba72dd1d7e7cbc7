import { isDeepStrictEqual } from 'node:util';
import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { commitment } from '../ledger/commitment.js';
import { type Leaf, leafHash } from '../ledger/leaf.js';
import { CliFailure } from './failure.js';

/** What an answer repeats of the event that its receipt names, by the type of that event. */
const repeated: Readonly<Record<string, readonly string[]>> = {
  decision_made: ['id', 'decision', 'confidence', 'absent', 'reasons'],
  chat_answered: ['engine', 'model', 'finish_reason'],
};

/** What a file says beside a receipt. */
export interface Answer {
  /** What stands where the receipt stands. */
  members: Record<string, unknown>;
  /** The text of an answer of /chat, of OpenAI's or of Ollama's API. */
  text?: string;
}

const message = z.object({ content: z.string() });
const withText = z.union([
  z.object({ answer: z.string() }).transform(({ answer }) => answer),
  z
    .object({ choices: z.tuple([z.object({ message })]) })
    .transform(({ choices: [one] }) => one.message.content),
  z
    .object({ choices: z.tuple([z.object({ text: z.string() })]) })
    .transform(({ choices: [one] }) => one.text),
  z.object({ message }).transform((one) => one.message.content),
  z.object({ response: z.string() }).transform(({ response }) => response),
]);

/** @param holder The object that the receipt is a member of: `value`, or a member of it. */
export function answerIn(value: unknown, holder: Record<string, unknown>): Answer {
  const { receipt: _, ...members } = holder;
  const text = withText.safeParse(value).data;
  return text === undefined ? { members } : { members, text };
}

/**
 * Compares an answer with the event of its receipt; says what was found.
 * @param db The log; undefined where none is at hand.
 * @throws CliFailure for the first thing that the answer says otherwise, and for an event that has not the hash of the receipt.
 */
export function compareAnswer(
  { members, text }: Answer,
  { index, leafHash: told }: { index: number; leafHash: string },
  db: Database | undefined,
): string {
  const uncompared = (why: string) => `What else the file says was not compared: ${why}.`;
  if (db === undefined) return uncompared('that takes the event; name its log with --ledger');
  const leaf = db.prepare('SELECT leaf FROM events WHERE "index" = ?').pluck().get(index) as
    | Buffer
    | undefined;
  if (leaf === undefined) return uncompared('the event was pruned');
  if (leafHash(leaf) !== told) {
    throw new CliFailure(`Does not hold: what the log has as event ${index} is not what the hash is of.`);
  }
  const { type, data, texts = {} } = JSON.parse(leaf.toString('utf8')) as Leaf;
  const compared: string[] = [];
  for (const name of repeated[type] ?? []) {
    if (!(name in members) || !(name in data)) continue;
    if (!isDeepStrictEqual(members[name], data[name])) {
      throw new CliFailure(
        `Does not hold: the file says ${name} ${JSON.stringify(members[name])}, event ${index} says ${JSON.stringify(data[name])}.`,
      );
    }
    compared.push(name);
  }
  let erased = '';
  if (text !== undefined && texts.answer !== undefined) {
    const salt = db
      .prepare("SELECT salt FROM texts WHERE event_index = ? AND name = 'answer'")
      .pluck()
      .get(index) as Buffer | undefined;
    if (salt === undefined) erased = ' Its text was erased, so that one cannot be compared.';
    else if (commitment(salt, Buffer.from(text, 'utf8')) === texts.answer) compared.push('its text');
    else throw new CliFailure(`Does not hold: event ${index} records another text of the answer.`);
  }
  if (compared.length === 0) return uncompared(`an event of type ${type} repeats nothing of it`) + erased;
  return `The file says what that event says: ${compared.join(', ')}.${erased}`;
}
