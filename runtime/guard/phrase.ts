import { BREAK, EMAIL_WORD, type Lexicon, URL_WORD, type Words } from './words.js';

/** A phrase reads at most this many words, so that the places it has reached fit one integer. */
const REACH_MAX = 30;

/** Words that no gap steps over: what belongs to the speaker or a third party is not the assistant's. */
const BARRED = 'my our his her their its mes mon ma nos notre leur leurs son sa ses customer client'.split(
  ' ',
);

type Element =
  | { kind: 'word'; ids: Uint8Array; listed: readonly number[]; optional: boolean }
  | { kind: 'not'; ids: Uint8Array }
  | { kind: 'gap'; max: number };

/**
 * A pattern over words. Its text is a list of elements with spaces between:
 * ```
 * ignore|disregard   one of these words        ..3   up to three words, not over the end of a sentence
 * all|any?           perhaps one of these      !of|for  the next word is none of these (reads nothing)
 * <url> <email>      an address                <end>    the end of a sentence or of the text
 * ```
 * Matching keeps the set of places reached as bits of one integer (Thompson's construction over words): at most
 * `elements × 30` steps from each first word whatever the text, so it is linear by construction.
 */
export interface Phrase {
  text: string;
  elements: Element[];
  /** Most words it reads. */
  reach: number;
  /** The words after the first of which one must stand in a text for the phrase to match: the parts of its text. */
  needs: string[];
}

/** Elements by their text: phrases have most of them in common. */
const elementsOf = new WeakMap<Lexicon, Map<string, Element>>();

/** @throws RangeError when the phrase could read more than 30 words, or begins with a gap or an optional word. */
export function compilePhrase(text: string, lexicon: Lexicon): Phrase {
  const elements = text.split(/\s+/).map((part) => elementOf(part, lexicon));
  let reach = 0;
  for (const element of elements) {
    if (element.kind === 'gap') reach += element.max;
    else if (element.kind === 'word') reach += 1;
  }
  const first = elements[0];
  if (reach > REACH_MAX)
    throw new RangeError(`a phrase reads at most ${REACH_MAX} words, not ${reach}: ${text}`);
  if (first?.kind !== 'word' || first.optional) throw new RangeError(`a phrase begins with a word: ${text}`);
  for (const word of BARRED) lexicon.add(word);
  const needs = text
    .split(/\s+/)
    .slice(1)
    .filter((_, index) => {
      const element = elements[index + 1];
      return element?.kind === 'word' && !element.optional;
    });
  return { text, elements, reach, needs };
}

function elementOf(part: string, lexicon: Lexicon): Element {
  let known = elementsOf.get(lexicon);
  if (known === undefined) {
    known = new Map();
    elementsOf.set(lexicon, known);
  }
  let element = known.get(part);
  if (element === undefined) {
    element = parseElement(part, lexicon);
    known.set(part, element);
  }
  return element;
}

function parseElement(part: string, lexicon: Lexicon): Element {
  const gap = /^\.\.(\d+)$/.exec(part);
  if (gap !== null) return { kind: 'gap', max: Number(gap[1]) };
  const not = part.startsWith('!');
  const optional = part.endsWith('?');
  const words = part.slice(not ? 1 : 0, optional ? -1 : undefined).split('|');
  // Sized to hold every id: the lexicon grows while phrases are compiled, and ids beyond it are simply not in it.
  const numbers = words.map((word) => wordId(word, lexicon));
  const ids = new Uint8Array(Math.max(...numbers) + 1);
  for (const number of numbers) ids[number] = 1;
  return not ? { kind: 'not', ids } : { kind: 'word', ids, listed: [...new Set(numbers)], optional };
}

function wordId(word: string, lexicon: Lexicon): number {
  if (word === '<url>') return URL_WORD;
  if (word === '<email>') return EMAIL_WORD;
  if (word === '<end>') return BREAK;
  if (!/^[a-z0-9]+$/.test(word)) throw new RangeError(`not a folded word: '${word}'`);
  return lexicon.add(word);
}

/** Ids of a part of a phrase that is one of some words. */
export function partIds(part: string, lexicon: Lexicon): number[] {
  return part.split('|').map((word) => wordId(word, lexicon));
}

/** Ids that begin the phrase. */
export function firstIds({ elements: [first] }: Phrase): readonly number[] {
  return first?.kind === 'word' ? first.listed : [];
}

/** The set of ids that gaps stop at, for `reachOf`. */
export function barredIds(lexicon: Lexicon): Uint8Array {
  const ids = new Uint8Array(lexicon.size);
  ids[BREAK] = 1;
  for (const word of BARRED) ids[lexicon.id(word)] = 1;
  return ids;
}

/** Bit k is set when the phrase, begun at word `from`, can end before word `from + k`. 0: no match. */
export function reachOf(phrase: Phrase, words: Words, from: number, barred: Uint8Array): number {
  let reached = 1;
  for (const element of phrase.elements) {
    if (element.kind === 'gap') reached = stepGap(reached, element.max, words, from, barred);
    else if (element.kind === 'not') reached = keepNot(reached, element.ids, words, from);
    else reached = stepWord(reached, element.ids, words, from) | (element.optional ? reached : 0);
    if (reached === 0) return 0;
  }
  return reached;
}

function stepWord(reached: number, ids: Uint8Array, words: Words, from: number): number {
  let next = 0;
  for (let left = reached; left !== 0; left &= left - 1) {
    const place = 31 - Math.clz32(left & -left);
    // Past the last word stands the end of the last sentence.
    const id = words.ids[from + place] ?? BREAK;
    if (ids[id] === 1) next |= 1 << (place + 1);
  }
  return next;
}

function keepNot(reached: number, ids: Uint8Array, words: Words, from: number): number {
  let kept = 0;
  for (let left = reached; left !== 0; left &= left - 1) {
    const bit = left & -left;
    if (ids[words.ids[from + 31 - Math.clz32(bit)] ?? BREAK] !== 1) kept |= bit;
  }
  return kept;
}

function stepGap(reached: number, max: number, words: Words, from: number, barred: Uint8Array): number {
  let all = reached;
  let edge = reached;
  for (let step = 0; step < max && edge !== 0; step++) {
    let next = 0;
    for (let left = edge; left !== 0; left &= left - 1) {
      const place = 31 - Math.clz32(left & -left);
      if (barred[words.ids[from + place] ?? BREAK] !== 1) next |= 1 << (place + 1);
    }
    edge = next & ~all;
    all |= next;
  }
  return all;
}
