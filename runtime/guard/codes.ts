import { type View, ViewBuilder, type ViewKind } from './view.js';

// Codes that spell each character apart: bits, decimal numbers, Morse. Each reads the text once and does nothing where it
// has none of the code.

/** Characters of a code from which on it is read. */
const LETTERS_MIN = 8;
/** Longest payload of one run. */
const RUN_MAX = 16_384;

const morseLetters: Readonly<Record<string, string>> = {
  '.-': 'a',
  '-...': 'b',
  '-.-.': 'c',
  '-..': 'd',
  '.': 'e',
  '..-.': 'f',
  '--.': 'g',
  '....': 'h',
  '..': 'i',
  '.---': 'j',
  '-.-': 'k',
  '.-..': 'l',
  '--': 'm',
  '-.': 'n',
  '---': 'o',
  '.--.': 'p',
  '--.-': 'q',
  '.-.': 'r',
  '...': 's',
  '-': 't',
  '..-': 'u',
  '...-': 'v',
  '.--': 'w',
  '-..-': 'x',
  '-.--': 'y',
  '--..': 'z',
};

interface Code {
  kind: ViewKind;
  /** One of these stands in every run. */
  signs: readonly string[];
  /** Runs of the code. */
  run: RegExp;
  read(run: string): string;
}

const codes: readonly Code[] = [
  {
    kind: 'binary',
    // Letters begin with these bits.
    signs: ['010', '011'],
    run: /(?:[01]{8}[ ,]{0,2}){8,2048}/g,
    read: (run) => fromBytes(run.match(/[01]{8}/g) ?? [], 2),
  },
  {
    kind: 'decimal',
    signs: ['10', '11'],
    run: /(?:(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6]|22[4-9]|23\d)[ ,]{1,2}){8,4096}\d{2,3}/g,
    read: (run) => String.fromCharCode(...(run.match(/\d{2,3}/g) ?? []).map(Number)),
  },
  {
    kind: 'morse',
    signs: ['-.', '.-'],
    run: /(?:[.-]{1,6}(?: ?[/|] ?| {1,3})){8,4096}[.-]{0,6}/g,
    read: (run) =>
      run
        .split(/ ?[/|] ?| {2,3}/)
        .map((word) =>
          word
            .split(' ')
            .map((letter) => morseLetters[letter] ?? '')
            .join(''),
        )
        .join(' '),
  },
];

/** What is spelled in one of these codes, each run as a view of its own, at most `countMax` of each. */
export function decodeCodes(view: View, countMax: number): View[] {
  const views: View[] = [];
  for (const { kind, signs, run, read } of codes) {
    if (!signs.some((sign) => view.text.includes(sign))) continue;
    let count = 0;
    for (const match of view.text.matchAll(run)) {
      const text = read(match[0].slice(0, RUN_MAX));
      if (!/[a-z]{3}/i.test(text) || text.length < LETTERS_MIN) continue;
      const builder = new ViewBuilder(text.length);
      builder.add(text, ...view.span(match.index, match.index + match[0].length));
      views.push(builder.build(kind));
      if (++count === countMax) break;
    }
  }
  return views;
}

function fromBytes(digits: readonly string[], radix: number): string {
  const bytes = Buffer.from(digits.map((each) => Number.parseInt(each, radix)));
  return bytes.toString('utf8').replaceAll('\ufffd', ' ');
}

/** The text that base32 (RFC 4648) spells; '' when it is none. */
export function fromBase32(run: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const sign of run) {
    held = ((held << 5) | alphabet.indexOf(sign)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  // Random letters decode to anything; text decodes to ASCII nearly all through.
  const plain = bytes.filter((byte) => byte >= 32 && byte < 127).length;
  return plain >= bytes.length * 0.9 ? Buffer.from(bytes).toString('utf8') : '';
}

/** Common words and those of attacks, spelled backwards. */
const backwards =
  /(?:^|[^a-z])(?:eht|dna|uoy|lla|ruoy|snoitcurtsni|tpmorp|metsys|suoiverp|erongi|laever|drowssap|terces|selger|setuot|set|sel|tse|snad|seuqitsys)(?=[^a-z]|$)/g;
const BACKWARDS_MIN = 2;
/** One of these stands in most of what is meant; the others would be looked for in vain in most texts. */
const backwardsSigns = ['eht', 'snoitcurtsni', 'tpmorp', 'metsys'];

/** The folded text read from its end, where words stand backwards in it; undefined where they don't. */
export function reverse(view: View): View | undefined {
  const { text } = view;
  if (!backwardsSigns.some((sign) => text.includes(sign))) return undefined;
  let found = 0;
  for (const _ of text.matchAll(backwards)) if (++found === BACKWARDS_MIN) break;
  if (found < BACKWARDS_MIN) return undefined;
  const builder = new ViewBuilder(text.length);
  for (let at = text.length - 1; at >= 0; at--)
    builder.addCode(text.charCodeAt(at), view.start(at), view.end(at));
  return builder.build('reversed');
}
