import type { JsonValue } from '../../contracts/json.js';

const wordLengthMax = 64;
/** Words of one event that count. */
const wordsMax = 512;

/** Events without words: they come by the thousand, hold figures, and are found by type, stream, time and correlation id. */
const wordless = new Set(['decision_made']);
const noWords: ReadonlySet<string> = new Set();

/** Words of a text, in lower case and without accents: runs of letters and digits, the first 64 characters of each. */
export function wordsOf(text: string): string[] {
  const folded = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return (folded.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => word.slice(0, wordLengthMax));
}

/** Distinct words of an event: of its type, module, stream and the strings in its data. What people typed is not in a leaf, so not here. */
export function eventWords(type: string, leaf: Buffer): ReadonlySet<string> {
  if (wordless.has(type)) return noWords;
  const words = new Set<string>();
  const { module, stream, data } = JSON.parse(leaf.toString('utf8')) as Record<string, JsonValue>;
  const add = (value: JsonValue | undefined): void => {
    if (words.size >= wordsMax) return;
    if (typeof value === 'string') for (const word of wordsOf(value)) words.add(word);
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) add(part);
  };
  for (const value of [type, module, stream, data]) add(value);
  return words;
}
