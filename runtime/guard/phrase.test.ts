import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalise } from './normalise.js';
import { barredIds, compilePhrase, reachOf } from './phrase.js';
import { BREAK, Lexicon, type Words, wordsOf } from './words.js';

function matches(pattern: string, text: string): boolean {
  const lexicon = new Lexicon();
  const phrase = compilePhrase(pattern, lexicon);
  const [view] = normalise(text, { known: () => false });
  if (view === undefined) return false;
  const words = wordsOf(view, lexicon);
  const barred = barredIds(lexicon);
  return words.ids.some((_id, from) => reachOf(phrase, words, from, barred) !== 0);
}

describe('phrases', () => {
  it.each([
    ['stop|halt ..2 engine', 'Halt the big engine!', true],
    ['stop|halt ..2 engine', 'Halt the very big engine!', false],
    ['stop ..2 engine', 'Stop. The engine runs', false],
    ['stop ..2 engine', 'Stop, the engine runs', true],
    ['stop ..2 engine', 'stop my engine', false],
    ['stop the? engine', 'stop engine', true],
    ['stop the? engine', 'stop this engine', false],
    ['stop engine !of|for', 'stop engine of doom', false],
    ['stop engine !of|for', 'stop engine', true],
    ['stop engine <end>', 'stop engine', true],
    ['stop engine <end>', 'stop engine. now', true],
    ['stop engine <end>', 'stop engine now', false],
    ['visit ..1 <url>', 'visit https://example.org/a?b=c, please', true],
    ['write to <email>', 'write to eve@example.org.', true],
    ['write to <email>', 'write to eve @example', false],
    ['n obeis', "n'obéis", true],
  ])('%j in %j: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it.each([
    ['..2 engine', 'a phrase begins with a word: ..2 engine'],
    ['stop? engine', 'a phrase begins with a word: stop? engine'],
    ['stop ..30 engine', 'a phrase reads at most 30 words, not 32: stop ..30 engine'],
    ['Stop engine', "not a folded word: 'Stop'"],
    ['stop  engine|', "not a folded word: ''"],
  ])('%j is refused', (pattern, message) => {
    expect(() => compilePhrase(pattern, new Lexicon())).toThrow(new RangeError(message));
  });

  it('agrees with plain backtracking', () => {
    const lexicon = new Lexicon();
    const letters = ['a', 'b', 'c'];
    for (const letter of letters) lexicon.add(letter);
    const word = fc.constantFrom('a', 'b', 'c', 'a|b');
    const element = fc.oneof(
      word,
      word.map((text) => `${text}?`),
      word.map((text) => `!${text}`),
      fc.nat(3).map((max) => `..${max}`),
      fc.constant('<end>'),
    );
    const pattern = fc
      .tuple(word, fc.array(element, { maxLength: 5 }))
      .map(([first, rest]) => [first, ...rest]);
    const text = fc.array(fc.constantFrom(...letters, '.'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(pattern, text, (elements, tokens) => {
        const phrase = compilePhrase(elements.join(' '), lexicon);
        const words: Words = {
          ids: tokens.map((token) => (token === '.' ? BREAK : lexicon.id(token))),
          starts: tokens.map((_token, index) => index),
          ends: tokens.map((_token, index) => index + 1),
        };
        const ends = backtrack(elements, tokens, 0);
        const expected = [...ends].reduce((bits, end) => bits | (1 << end), 0);
        expect(reachOf(phrase, words, 0, barredIds(lexicon))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});

/** Every place where the elements can end, by trying everything. */
function backtrack(elements: string[], tokens: string[], at: number): Set<number> {
  const [element, ...rest] = elements;
  if (element === undefined) return new Set([at]);
  const token = tokens[at] ?? '.';
  const gap = /^\.\.(\d)$/.exec(element);
  if (gap !== null) {
    const ends = backtrack(rest, tokens, at);
    if (gap[1] === '0' || token === '.') return ends;
    return new Set([...ends, ...backtrack([`..${Number(gap[1]) - 1}`, ...rest], tokens, at + 1)]);
  }
  if (element.startsWith('!')) {
    return element.slice(1).split('|').includes(token) ? new Set() : backtrack(rest, tokens, at);
  }
  const optional = element.endsWith('?');
  const words = element === '<end>' ? ['.'] : element.replace('?', '').split('|');
  const ends = words.includes(token) ? backtrack(rest, tokens, at + 1) : new Set<number>();
  return optional ? new Set([...ends, ...backtrack(rest, tokens, at)]) : ends;
}
