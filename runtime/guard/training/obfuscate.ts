const sharp: Readonly<Record<string, string>> = { a: '4', e: '3', i: '1', o: '0', s: '5', t: '7' };
const cyrillic: Readonly<Record<string, string>> = { a: 'а', c: 'с', e: 'е', o: 'о', p: 'р', x: 'х', y: 'у' };

const turn13 = (text: string) =>
  text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
const mapped = (text: string, table: Readonly<Record<string, string>>) =>
  Array.from(text, (letter) => table[letter.toLowerCase()] ?? letter).join('');

/** Ways to hide a text from a filter that a person or a model can undo. */
export const obfuscations: Readonly<Record<string, (text: string) => string>> = {
  base64: (text) => Buffer.from(text).toString('base64'),
  hex: (text) => Buffer.from(text).toString('hex'),
  rot13: turn13,
  percent: (text) =>
    Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  entities: (text) => Array.from(text, (letter) => `&#${letter.codePointAt(0)};`).join(''),
  leetspeak: (text) => mapped(text, sharp),
  'look-alikes': (text) => mapped(text, cyrillic),
  'zero width': (text) => Array.from(text).join('\u200b'),
  'full width': (text) => text.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0)),
  'tag characters': (text) =>
    Array.from(text, (sign) => {
      const code = sign.codePointAt(0) ?? 0;
      return code < 127 ? String.fromCodePoint(0xe0000 + code) : sign;
    }).join(''),
  'spaced letters': (text) =>
    text
      .split(' ')
      .map((word) => Array.from(word).join(' '))
      .join('   '),
  capitals: (text) => text.toUpperCase(),
  misspelled: (text) =>
    text.replace(/\p{L}{6,}/gu, (word) => `${word.slice(0, 2)}${word[3]}${word[2]}${word.slice(4)}`),
};
