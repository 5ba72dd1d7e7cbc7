import { decodeCodes, reverse } from './codes.js';
import { decodeEscapes, decodePayloads, rot13 } from './decode.js';
import { foldCodePoint } from './fold.js';
import { hintsOf } from './hints.js';
import { foldLeet } from './leet.js';
import { joinSpaced } from './spaced.js';
import { View, ViewBuilder, type ViewKind } from './view.js';

/** How often a payload inside a payload is decoded. */
const DEPTH_MAX = 3;
/** Payloads decoded from one text, and the sum of their characters; the rest is not decoded. */
const PAYLOADS_MAX = 32;
const PAYLOAD_CHARACTERS_MAX = 262_144;

export interface NormaliseOptions {
  /** Whether a word matters to the rules; decides how leetspeak is read. */
  known: (word: string) => boolean;
}

/**
 * The readings of a text that the rules look at, the folded one first: then, where they differ from it, words
 * spelled out joined, leetspeak read, rot13 turned, backwards text turned round, and the same for what is behind escapes, base64,
 * base32, hex, bits, decimal codes and Morse.
 *
 * Folding: NFKD without marks, lower case, look-alikes to Latin, invisible characters gone, white space
 * collapsed to one ' ' (or '\n' where a paragraph ends). Linear in the length of the text.
 */
export function normalise(text: string, options: NormaliseOptions): View[] {
  const views: View[] = [];
  let sources = [new View(text, 'raw')];
  let budget = PAYLOAD_CHARACTERS_MAX;
  let count = 0;
  for (let depth = 0; depth <= DEPTH_MAX && sources.length > 0; depth++) {
    const inner: View[] = [];
    for (const source of sources) {
      views.push(...readings(source, options, depth === 0));
      if (depth === DEPTH_MAX) continue;
      for (const view of unwrap(source)) {
        // Unescaped text is no longer than its source; only payloads can repeat what was read already.
        if (view.kind !== 'escapes') count++;
        budget -= view.text.length;
        if (count > PAYLOADS_MAX || (budget < 0 && view.kind !== 'escapes')) continue;
        inner.push(view);
      }
    }
    sources = inner;
  }
  return views;
}

function unwrap(source: View): View[] {
  const unescaped = decodeEscapes(source);
  return [
    ...(unescaped === undefined ? [] : [unescaped]),
    ...decodePayloads(source, PAYLOADS_MAX),
    ...decodeCodes(source, PAYLOADS_MAX),
  ];
}

function readings(source: View, options: NormaliseOptions, outermost: boolean): View[] {
  const plain = fold(source, source.kind === 'raw' ? 'plain' : source.kind);
  const views = [plain];
  const hints = hintsOf(plain.text);
  const spaced = hints.spelled ? joinSpaced(plain) : undefined;
  if (spaced !== undefined) views.push(spaced);
  const leet = hints.mixed || spaced !== undefined ? foldLeet(spaced ?? plain, options.known) : undefined;
  if (leet !== undefined) views.push(leet);
  const turned = outermost ? rot13(plain) : undefined;
  if (turned !== undefined) views.push(turned);
  const backwards = outermost ? reverse(plain) : undefined;
  if (backwards !== undefined) views.push(backwards);
  return views;
}

/** For each ASCII character its folded form when that is one letter or sign; 0 for white space and what nobody sees. */
const ascii = Uint8Array.from({ length: 128 }, (_, code) => {
  const folded = foldCodePoint(code);
  return folded.length === 1 && folded !== ' ' && folded !== '\n' ? folded.charCodeAt(0) : 0;
});

/** Longest text that is tried unit by unit, and where its folded form is gathered. */
const UNITS_MAX = 8192;
const units = Buffer.alloc(UNITS_MAX);

/**
 * The folded form of a text in which each code unit has one of its own, below 256, as in most prompts: nothing has to be remembered about
 * where it came from. Undefined for other texts.
 */
function foldUnits({ text }: View): string | undefined {
  const { length } = text;
  if (length > UNITS_MAX) return undefined;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    let folded = code < 128 ? (ascii[code] ?? 0) : unitOf(code);
    if (folded === 0) {
      // One space or line break between two words.
      if ((code !== 32 && code !== 10) || index + 1 === length) return undefined;
      const next = text.charCodeAt(index + 1);
      if ((next < 128 ? (ascii[next] ?? 0) : unitOf(next)) === 0) return undefined;
      folded = 32;
    }
    units[index] = folded;
  }
  return units.toString('latin1', 0, length);
}

/** The folded form of a code unit when it is one below 256 and no white space; else 0. */
function unitOf(code: number): number {
  if (code >= 0xd800 && code <= 0xdfff) return 0;
  const folded = foldCodePoint(code);
  if (folded.length !== 1 || folded === ' ' || folded === '\n') return 0;
  const unit = folded.charCodeAt(0);
  return unit < 256 ? unit : 0;
}

function fold(source: View, kind: ViewKind): View {
  const direct = foldUnits(source);
  if (direct !== undefined) return source.withText(direct, kind);
  const { text } = source;
  const builder = new ViewBuilder(text.length + 16);
  for (let index = 0; index < text.length; ) {
    const code = text.charCodeAt(index);
    const plain = code < 128 ? (ascii[code] ?? 0) : 0;
    if (plain !== 0) {
      builder.addCode(plain, source.start(index), source.end(index));
      index++;
      continue;
    }
    if (code === 32 && isPlainSign(text.charCodeAt(index + 1))) {
      builder.addCode(32, source.start(index), source.end(index));
      index++;
      continue;
    }
    const codePoint = text.codePointAt(index) ?? 0;
    const next = index + (codePoint > 0xffff ? 2 : 1);
    const folded = foldCodePoint(codePoint);
    if (folded === ' ' || folded === '\n') {
      index = foldSpace(source, builder, index);
      continue;
    }
    if (folded !== '') builder.add(folded, source.start(index), source.end(next - 1));
    index = next;
  }
  return builder.build(kind);
}

/** Whether a character is an ASCII letter or sign; not white space, not the end. */
function isPlainSign(code: number): boolean {
  return code < 128 && ascii[code] !== 0;
}

/** Adds one ' ' or '\n' for the white space (and what is invisible in it) from `from`; returns where it ends. */
function foldSpace(source: View, builder: ViewBuilder, from: number): number {
  const { text } = source;
  let lines = 0;
  let index = from;
  while (index < text.length) {
    const codePoint = text.codePointAt(index) ?? 0;
    const folded = foldCodePoint(codePoint);
    if (folded === '\n') {
      // A carriage return before its line feed is the same line break.
      if (!(codePoint === 13 && text.charCodeAt(index + 1) === 10)) lines++;
    } else if (folded !== ' ' && folded !== '') break;
    index += codePoint > 0xffff ? 2 : 1;
  }
  builder.add(lines >= 2 ? '\n' : ' ', ...source.span(from, index));
  return index;
}
