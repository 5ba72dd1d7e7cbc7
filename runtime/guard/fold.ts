import { foldLookAlike } from './homoglyphs.js';

/** Code points whose folded form is kept; a text in one script has a few hundred. */
const CACHE_MAX = 8192;
const cache = new Map<number, string>();

const mark = /\p{M}/u;
const invisible =
  /[\p{Cf}\p{Cc}\u115f\u1160\u3164\uffa0\u180e]|[\u180b-\u180f]|[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/u;
const space = /\s/u;

/**
 * Folds one code point: compatibility forms (NFKD), marks, letter case and look-alikes.
 * @returns '' for what nobody sees (zero-width, bidi, tag and control characters, marks), '\n' for a line
 * break, ' ' for other white space.
 */
export function foldCodePoint(codePoint: number): string {
  const cached = cache.get(codePoint);
  if (cached !== undefined) return cached;
  const folded = compute(String.fromCodePoint(codePoint));
  if (cache.size < CACHE_MAX) cache.set(codePoint, folded);
  return folded;
}

function compute(character: string): string {
  if (/[\n\r\u0085\u2028\u2029\v\f]/.test(character)) return '\n';
  // Before `invisible`: U+FEFF is white space for JavaScript, and no one sees it.
  if (space.test(character) && character !== '\ufeff') return ' ';
  if (invisible.test(character) || mark.test(character)) return '';
  let folded = '';
  for (const part of character.normalize('NFKD').toLowerCase().normalize('NFKD')) {
    if (mark.test(part)) continue;
    folded += space.test(part) ? ' ' : foldLookAlike(part);
  }
  return folded;
}

/** A word as it is compared: every code point folded, nothing between. */
export function foldWord(word: string): string {
  let folded = '';
  for (const character of word) folded += foldCodePoint(character.codePointAt(0) ?? 0);
  return folded;
}
