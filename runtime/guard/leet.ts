import { type View, ViewBuilder } from './view.js';

/** Signs that stand for a letter; those with two readings are tried both ways. */
const readings: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'il',
  '2': 'z',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '6': 'g',
  '7': 't',
  '8': 'b',
  '9': 'g',
  '@': 'a',
  $: 's',
  '!': 'il',
  '|': 'li',
  '+': 't',
};

/** Longest word looked at, and most ambiguous signs in it: at most 2^4 readings a word. */
const WORD_MAX = 24;
const AMBIGUOUS_MAX = 4;

const word = /[a-z0-9@$!|+]+/g;

/** Fewest words that mix letters and signs, and their share of all words, in a text that is leetspeak all through. */
const MIXED_MIN = 3;
/** Longest word without a letter that is read so. */
const SIGNS_MAX = 3;
const MIXED_SHARE = 0.2;

/**
 * The view with each leetspeak word ("1gn0r3") replaced by the word of the rules that it can be read as. In a text that is
 * leetspeak all through other words are read sign by sign; elsewhere they stay as they are.
 * @returns undefined when no word changes.
 */
export function foldLeet(view: View, known: (word: string) => boolean): View | undefined {
  const { text } = view;
  let builder: ViewBuilder | undefined;
  let copied = 0;
  let leetspeak: boolean | undefined;
  const allThrough = () => {
    leetspeak ??= isLeetspeak(text);
    return leetspeak;
  };
  const copy = (to: number) => {
    builder ??= new ViewBuilder(text.length + 16);
    for (; copied < to; copied++)
      builder.addCode(text.charCodeAt(copied), view.start(copied), view.end(copied));
    return builder;
  };
  for (const { written, at } of wordsWithSigns(text)) {
    // A sign at the end is more often punctuation than a letter.
    const candidates = [written, written.replace(/[!|+]{1,24}$/, ''), written.replace(/^[!|+]{1,24}/, '')];
    for (const candidate of new Set(candidates)) {
      const read = readWord(candidate, known) ?? (allThrough() ? spellOut(candidate) : undefined);
      if (read === undefined) continue;
      const start = at + written.indexOf(candidate);
      copy(start).add(read, ...view.span(start, start + candidate.length));
      copied = start + candidate.length;
      break;
    }
  }
  return builder === undefined ? undefined : copy(text.length).build('leet');
}

/** For each ASCII character: 1 when it is a letter, 2 when it is a sign that can stand for one. */
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return Number(/[a-z]/.test(character)) + 2 * Number(/[0-9@$!|+]/.test(character));
});

function kindOf(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (kinds[code] ?? 0) : 0;
}

/** The words that have a sign among their letters, or are all signs, and where they begin. */
function* wordsWithSigns(text: string): Generator<{ written: string; at: number }> {
  let begin = 0;
  let signs = false;
  for (let at = 0; at <= text.length; at++) {
    const kind = at < text.length ? kindOf(text, at) : 0;
    if (kind === 2) signs = true;
    else if (kind === 0) {
      if (signs) yield { written: text.slice(begin, at), at: begin };
      begin = at + 1;
      signs = false;
    }
  }
}

function isLeetspeak(text: string): boolean {
  let words = 0;
  let mixed = 0;
  for (const [written] of text.matchAll(word)) {
    words++;
    if (isMixed(written)) mixed++;
  }
  return mixed >= MIXED_MIN && mixed >= words * MIXED_SHARE;
}

/** Whether letters and signs that stand for letters alternate in a word; not "mp3" or "20kg". */
function isMixed(written: string): boolean {
  return /[a-z]/.test(written) && /[0-9@$!|+][a-z]/.test(written) && !/^\d+[a-z]{1,2}$/.test(written);
}

/** A mixed word, or a few signs, with the commonest reading of each sign. */
function spellOut(written: string): string | undefined {
  if (written.length > WORD_MAX || !/[^a-z]/.test(written)) return undefined;
  if (!/[a-z]/.test(written) && written.length > SIGNS_MAX) return undefined;
  return written.replace(/[^a-z]/g, (sign) => readings[sign]?.charAt(0) ?? sign);
}

function readWord(written: string, known: (word: string) => boolean): string | undefined {
  if (written.length < 2 || written.length > WORD_MAX) return undefined;
  if (!/[a-z]/.test(written) || !/[^a-z]/.test(written)) return undefined;
  let candidates = [''];
  let ambiguous = 0;
  for (const sign of written) {
    const letters = readings[sign] ?? sign;
    if (letters.length > 1 && ++ambiguous <= AMBIGUOUS_MAX) {
      candidates = candidates.flatMap((start) => Array.from(letters, (letter) => start + letter));
    } else {
      candidates = candidates.map((start) => start + letters.charAt(0));
    }
  }
  return candidates.find((candidate) => candidate !== written && known(candidate));
}
