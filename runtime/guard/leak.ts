import { HOLD_MAX } from './detector.js';
import { foldCodePoint, foldWord } from './fold.js';

/** A run of this many consecutive words of the system prompt is a leak; of a short prompt three fifths, at least five. */
const RUN_MAX = 12;
const RUN_MIN = 5;
const RUN_SHARE = 0.6;
/** Words of a run that pass before the rest is held: fewer are ordinary language. */
const FREE_WORDS = 3;
/** Code units of a word that are compared. */
const WORD_MAX = 64;

/**
 * The runs of words of one system prompt, as a suffix automaton over words: it tells in amortised constant time
 * a word how long a run of the prompt the answer ends with. Blumer et al., The smallest automaton recognizing
 * the subwords of a text, 1985.
 */
export class PromptRuns {
  /** Words in a row that make a leak; undefined for a prompt too short to watch. */
  readonly runLength: number | undefined;
  readonly #next: Map<string, number>[] = [new Map()];
  readonly #link: number[] = [-1];
  readonly #length: number[] = [0];

  constructor(systemPrompt: string) {
    const words = cutWords(systemPrompt);
    if (words.length >= RUN_MIN) {
      this.runLength = Math.min(RUN_MAX, Math.max(RUN_MIN, Math.ceil(words.length * RUN_SHARE)));
    }
    let last = 0;
    for (const word of words) last = this.#extend(last, word);
  }

  /** Follows one more word of the answer from a place in the automaton. */
  step(at: { state: number; run: number }, word: string): { state: number; run: number } {
    let { state, run } = at;
    for (;;) {
      const next = this.#next[state]?.get(word);
      if (next !== undefined) return { state: next, run: run + 1 };
      if (state === 0) return { state: 0, run: 0 };
      state = this.#link[state] ?? 0;
      run = this.#length[state] ?? 0;
    }
  }

  #extend(last: number, word: string): number {
    const added = this.#add(new Map(), (this.#length[last] ?? 0) + 1, 0);
    let state = last;
    while (state >= 0 && !this.#next[state]?.has(word)) {
      this.#next[state]?.set(word, added);
      state = this.#link[state] ?? -1;
    }
    if (state < 0) return added;
    const target = this.#next[state]?.get(word) ?? 0;
    const length = (this.#length[state] ?? 0) + 1;
    if (length === this.#length[target]) {
      this.#link[added] = target;
      return added;
    }
    const copy = this.#add(new Map(this.#next[target]), length, this.#link[target] ?? 0);
    while (state >= 0 && this.#next[state]?.get(word) === target) {
      this.#next[state]?.set(word, copy);
      state = this.#link[state] ?? -1;
    }
    this.#link[target] = copy;
    this.#link[added] = copy;
    return added;
  }

  #add(next: Map<string, number>, length: number, link: number): number {
    this.#next.push(next);
    this.#length.push(length);
    this.#link.push(link);
    return this.#next.length - 1;
  }
}

/** A leak in an answer: text from `start` on is not released, `end` is after the character that decided. */
export interface Leak {
  start: number;
  end: number;
}

/** Follows one answer, character by character; its places count from the beginning of the answer. */
export class LeakWatcher {
  readonly #runs: PromptRuns;
  readonly #runLength: number;
  #at = { state: 0, run: 0 };
  #position = 0;
  #word = '';
  #inWord = false;
  /** Where the last words ended, newest last; as many as a run can have. */
  #ends: number[] = [];

  constructor(runs: PromptRuns, runLength: number) {
    this.#runs = runs;
    this.#runLength = runLength;
  }

  /** Reads on; undefined while there is no leak. */
  push(text: string): Leak | undefined {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      this.#position++;
      if (isWordUnit(code)) {
        this.#inWord = true;
        if (this.#word.length < WORD_MAX) this.#word += text.charAt(index);
      } else if (this.#inWord) {
        const leak = this.#endWord(this.#position - 1);
        if (leak !== undefined) return leak;
      }
    }
    return undefined;
  }

  /** The answer has ended, and with it its last word. */
  finish(): Leak | undefined {
    return this.#inWord ? this.#endWord(this.#position) : undefined;
  }

  /** Text before this place may go. */
  get safe(): number {
    const free = Math.min(FREE_WORDS, this.#runLength - 2);
    const { run } = this.#at;
    if (run < free) return this.#position;
    // The end of the run's last free word; the run began `run` words ago.
    const end = this.#ends[this.#ends.length - 1 - (run - free)] ?? this.#position;
    return Math.max(end, this.#position - HOLD_MAX);
  }

  #endWord(end: number): Leak | undefined {
    const word = foldWord(this.#word);
    this.#word = '';
    this.#inWord = false;
    if (word === '') return undefined;
    this.#at = this.#runs.step(this.#at, word);
    this.#ends.push(end);
    if (this.#ends.length > this.#runLength) this.#ends.shift();
    return this.#at.run >= this.#runLength ? { start: this.safe, end: this.#position } : undefined;
  }
}

/** Letters, digits, marks, halves of pairs, and what is invisible: it does not end a word. */
function isWordUnit(code: number): boolean {
  if (code < 128)
    return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
  if (code >= 0xd800 && code <= 0xdfff) return true;
  return foldCodePoint(code) === '' || /[\p{L}\p{N}]/u.test(String.fromCharCode(code));
}

function cutWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  for (let index = 0; index <= text.length; index++) {
    if (index < text.length && isWordUnit(text.charCodeAt(index))) {
      if (word.length < WORD_MAX) word += text.charAt(index);
      continue;
    }
    const folded = foldWord(word);
    if (folded !== '') words.push(folded);
    word = '';
  }
  return words;
}
