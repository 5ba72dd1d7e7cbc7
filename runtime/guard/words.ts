import type { View } from './view.js';

/** Ids of what is no word of the rules: unknown words, ends of sentences, addresses. */
export const UNKNOWN = 0;
export const BREAK = 1;
export const URL_WORD = 2;
export const EMAIL_WORD = 3;
const FIRST_WORD = 4;

/** Shortest unknown word that is tried as glued words, and most letters of it that are looked at. */
const GLUED_MIN = 14;
const GLUED_MAX = 400;

/** Words that are known with one letter too many, too few, wrong or swapped, too, when their first and last letters are right. */
const FORGIVEN = new Set(
  (
    'ignore ignoring disregard disregarding override overriding bypass neglect previous previously preceding earlier initial original ' +
    'instructions instruction guidelines directives directions restrictions limitations programming prompt prompts system password secret ' +
    'reveal repeat verbatim unrestricted unfiltered uncensored developer administrator configuration confidential hidden guardrails safeguards ' +
    'constraints filters jailbreak unlocked everything whatever assistant display disclose pretend forbidden ' +
    'ignorez oublie oubliez consignes consigne precedentes precedents directive contraintes limitations affiche ' +
    'affichez systeme regles recopie filtres censure mission'
  ).split(' '),
);
/** Shortest unknown word that is tried. */
const FORGIVEN_MIN = 5;

const SHAPES = 1 << 14;

/** A number of the word at `[start, end)` that is quicker to make than the word. */
function shapeOf(text: string, start: number, end: number): number {
  const second = text.charCodeAt(Math.min(start + 1, end - 1));
  const edges = text.charCodeAt(start) * 961 + second * 31 + text.charCodeAt(end - 1);
  return (edges * 17 + end - start) & (SHAPES - 1);
}

/** A number of the first and last letter; those of other signs are among them. */
function edgesOf(text: string, start: number, end: number): number {
  return ((text.charCodeAt(start) & 31) << 5) | (text.charCodeAt(end - 1) & 31);
}

/** Whether two words with the same first and last letter differ by one letter added, left out or changed, or by two neighbours swapped. */
function isOneMistake(word: string, typed: string): boolean {
  if (Math.abs(word.length - typed.length) > 1 || word[0] !== typed[0] || word.at(-1) !== typed.at(-1))
    return false;
  const shorter = Math.min(word.length, typed.length);
  let from = 0;
  while (from < shorter && word[from] === typed[from]) from++;
  let behind = 0;
  while (behind < shorter - from && word[word.length - 1 - behind] === typed[typed.length - 1 - behind])
    behind++;
  const inWord = word.length - from - behind;
  const inTyped = typed.length - from - behind;
  if (inWord <= 1 && inTyped <= 1) return true;
  return inWord === 2 && inTyped === 2 && word[from] === typed[from + 1] && word[from + 1] === typed[from];
}

/** The words that the rules are made of, each with a small number. */
export class Lexicon {
  readonly #ids = new Map<string, number>();
  /** 1 where a word has this shape, so that most others are not looked up. */
  readonly #shapes = new Uint8Array(SHAPES);
  /** The words that are forgiven a mistake, by their first and last letter. */
  readonly #forgiven: string[][] = [];
  /** For each pair of first and last letter the lengths, as bits, that such a word may have been typed with. */
  readonly #lengths = new Uint32Array(1 << 10);
  #longest = 0;

  /** One more than the largest id. */
  get size(): number {
    return FIRST_WORD + this.#ids.size;
  }

  add(word: string): number {
    const known = this.#ids.get(word);
    if (known !== undefined) return known;
    const id = this.size;
    this.#ids.set(word, id);
    this.#shapes[shapeOf(word, 0, word.length)] = 1;
    this.#longest = Math.max(this.#longest, word.length);
    if (FORGIVEN.has(word)) {
      const edges = edgesOf(word, 0, word.length);
      this.#forgiven[edges] ??= [];
      this.#forgiven[edges].push(word);
      this.#lengths[edges] = (this.#lengths[edges] ?? 0) | (7 << (word.length - 1));
    }
    return id;
  }

  id(word: string): number {
    return this.#ids.get(word) ?? UNKNOWN;
  }

  /** The id of the word that stands at `[start, end)` of a text. */
  idAt(text: string, start: number, end: number): number {
    const id = this.#shapes[shapeOf(text, start, end)] === 0 ? UNKNOWN : this.id(text.slice(start, end));
    if (id !== UNKNOWN) return id;
    const length = end - start;
    const edges = edgesOf(text, start, end);
    // Nearly all words end here; what is behind looks at the letters themselves.
    if (length < FORGIVEN_MIN || (((this.#lengths[edges] ?? 0) >>> (length & 31)) & 1) === 0) return UNKNOWN;
    const typed = text.slice(start, end);
    const meant = this.#forgiven[edges]?.find((word) => isOneMistake(word, typed));
    return meant === undefined ? UNKNOWN : this.id(meant);
  }

  has(word: string): boolean {
    return this.#ids.has(word);
  }

  /** Splits glued words, longest first; undefined when more than a quarter of it is no known word. */
  split(glued: string): string[] | undefined {
    if (glued.length < GLUED_MIN || glued.length > GLUED_MAX) return undefined;
    const words: string[] = [];
    let unknown = 0;
    for (let at = 0; at < glued.length; ) {
      const word = this.#longestAt(glued, at);
      if (word !== undefined) words.push(word);
      else if (++unknown > glued.length / 4) return undefined;
      at += word?.length ?? 1;
    }
    return words.length >= 3 ? words : undefined;
  }

  #longestAt(glued: string, at: number): string | undefined {
    for (let length = Math.min(this.#longest, glued.length - at); length >= 2; length--) {
      const word = glued.slice(at, at + length);
      if (this.#ids.has(word)) return word;
    }
    return undefined;
  }
}

/** The words of a view, in parallel arrays; `starts` and `ends` are places in the view's text. */
export interface Words {
  ids: number[];
  starts: number[];
  ends: number[];
}

/** Cuts a folded view into words, ends of sentences and addresses. Linear. */
export function wordsOf(view: View, lexicon: Lexicon): Words {
  const { text } = view;
  const ids: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const add = (id: number, start: number, end: number) => {
    ids.push(id);
    starts.push(start);
    ends.push(end);
  };
  for (let index = 0; index < text.length; ) {
    const code = text.charCodeAt(index);
    if (!isWordCode(code)) {
      if (endsSentence(text, index)) add(BREAK, index, index + 1);
      index++;
      continue;
    }
    let end = index + 1;
    while (end < text.length && isWordCode(text.charCodeAt(end))) end++;
    const address = addressEnd(text, index, end);
    if (address > end) {
      add(text.charAt(end) === '@' ? EMAIL_WORD : URL_WORD, index, address);
      index = address;
      continue;
    }
    const id = lexicon.idAt(text, index, end);
    const glued = id === UNKNOWN && end - index >= GLUED_MIN;
    const parts = glued ? lexicon.split(text.slice(index, end)) : undefined;
    if (parts === undefined) add(id, index, end);
    else for (const part of parts) add(lexicon.id(part), index, end);
    index = end;
  }
  return { ids, starts, ends };
}

const wordCodes = Uint8Array.from({ length: 128 }, (_, code) =>
  Number(/[a-z0-9]/.test(String.fromCharCode(code))),
);

/** Letters and digits; above ASCII everything but signs, punctuation and halves of pairs (emoji) is a letter. */
function isWordCode(code: number): boolean {
  if (code < 128) return wordCodes[code] === 1;
  if (code < 0xc0 || (code >= 0x2000 && code < 0x2c00) || (code >= 0x3000 && code < 0x3040)) return false;
  return code < 0xd800;
}

/** `.`, `!`, `?`, `;` at the end of a word, `=` between spaces, and the end of a paragraph. */
function endsSentence(text: string, index: number): boolean {
  const sign = text.charCodeAt(index);
  if (sign === 10) return true;
  if (sign === 61) return text.charCodeAt(index - 1) === 32 && text.charCodeAt(index + 1) === 32;
  // . ! ? ;
  if (sign !== 46 && sign !== 33 && sign !== 63 && sign !== 59) return false;
  return index + 1 === text.length || !isWordCode(text.charCodeAt(index + 1));
}

const addressSign = /[a-z0-9._~:/?#@!$&*+=%{}<>[\]|-]/;
/** Longest address that is read as one word. */
const ADDRESS_MAX = 2048;

/** End of the URL or e-mail address whose first word is `[start, end)`; `end` when there is none. */
function addressEnd(text: string, start: number, end: number): number {
  const sign = text.charCodeAt(end);
  if (sign !== 58 && sign !== 64) return end;
  const scheme = text.startsWith('://', end) && /^(?:https?|ftp|wss?|file)$/.test(text.slice(start, end));
  const mail = text.charAt(end) === '@' && isWordCode(text.charCodeAt(end + 1));
  if (!scheme && !mail) return end;
  let at = end + (scheme ? 3 : 1);
  const stop = Math.min(text.length, at + ADDRESS_MAX);
  while (at < stop && addressSign.test(text.charAt(at))) at++;
  // The sign that ends the sentence is not part of the address.
  while (at > end + 1 && /[.!?:]/.test(text.charAt(at - 1))) at--;
  return at;
}
