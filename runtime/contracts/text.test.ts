import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeText, printable } from './text.js';

describe('printable', () => {
  it('escapes an ANSI colour and cursor sequence', () => {
    expect(printable('\u001b[2J\u001b[31mred')).toBe('\\x1b[2J\\x1b[31mred');
  });
  it('escapes an OSC that sets the title, with both of its ends', () => {
    expect(printable('\u001b]0;owned\u0007\u001b]52;c;aGk=\u001b\\')).toBe(
      '\\x1b]0;owned\\x07\\x1b]52;c;aGk=\\x1b\\',
    );
  });
  it('escapes the 8-bit forms of CSI and OSC', () => {
    expect(printable('\u009b31m\u009d0;x\u009c')).toBe('\\x9b31m\\x9d0;x\\x9c');
  });
  it('escapes a carriage return that would overwrite the line, and a backspace', () => {
    expect(printable('safe\rrm -rf\b', { lines: true })).toBe('safe\\x0drm -rf\\x08');
  });
  it('escapes bidirectional overrides and isolates', () => {
    expect(printable('a\u202eb\u2066c\u200f')).toBe('a\\u{202e}b\\u{2066}c\\u{200f}');
  });
  it('escapes invisible tag characters outside the basic plane', () => {
    expect(printable('x\u{e0041}')).toBe('x\\u{e0041}');
  });
  it('keeps newline and tab only when lines are wanted', () => {
    expect(printable('a\n\tb')).toBe('a\\x0a\\x09b');
    expect(printable('a\n\tb', { lines: true })).toBe('a\n\tb');
  });
  it('leaves ordinary text of any script alone', () => {
    for (const text of ['Température : 48 °C', 'שלום', '日本', '👩‍🔬']) expect(printable(text)).toBe(text);
  });
  it('never lets a control character through, and nothing grows more than nine times', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there.
        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        expect(shown.length).toBeLessThanOrEqual(text.length * 9);
      }),
    );
  });
});

describe('describeText', () => {
  it('tells length and hash, and nothing of the words', () => {
    expect(describeText('abc')).toEqual({ length: 3, sha256: 'ba7816bf8f01cfea' });
  });
});
