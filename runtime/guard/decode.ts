import { fromBase32 } from './codes.js';
import { type View, ViewBuilder, type ViewKind } from './view.js';

/** Fewest characters that are tried as base64 and as base32, and fewest bytes that are tried as hex. */
const BASE64_MIN = 16;
const BASE32_MIN = 24;
const HEX_BYTES_MIN = 8;
/** Longest payload decoded from one run; what follows in the run is not read. */
const RUN_MAX = 65_536;

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  excl: '!',
  quest: '?',
  colon: ':',
  sol: '/',
  lsqb: '[',
  rsqb: ']',
  lpar: '(',
  rpar: ')',
  vert: '|',
  NewLine: '\n',
  Tab: '\t',
  period: '.',
  comma: ',',
};

/**
 * Percent-encoding, HTML entities and backslash escapes, decoded in place.
 * @returns undefined when there is none.
 */
export function decodeEscapes(view: View): View | undefined {
  const { text } = view;
  if (!/%[0-9a-f]|&[#a-z]|\\[ux]/i.test(text)) return undefined;
  const builder = new ViewBuilder(text.length + 16);
  let changed = false;
  for (let index = 0; index < text.length; ) {
    const found = escapeAt(text, index);
    const length = found?.length ?? 1;
    if (found !== undefined) changed = true;
    builder.add(found?.text ?? text.charAt(index), ...view.span(index, index + length));
    index += length;
  }
  return changed ? builder.build('escapes') : undefined;
}

function escapeAt(text: string, index: number): { text: string; length: number } | undefined {
  const first = text.charAt(index);
  if (first === '%') return percentAt(text, index);
  if (first === '&') return entityAt(text, index);
  if (first !== '\\') return undefined;
  const match = /^\\(?:u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|x([0-9a-f]{2}))/i.exec(
    text.slice(index, index + 10),
  );
  return match === null ? undefined : fromCode(match[1] ?? match[2] ?? match[3] ?? '', 16, match[0].length);
}

function percentAt(text: string, index: number): { text: string; length: number } | undefined {
  const bytes: number[] = [];
  // A run of four bytes is one character at most; the next call takes the next run.
  while (bytes.length < 4) {
    const at = index + bytes.length * 3;
    const digits = text.charAt(at) === '%' ? text.slice(at + 1, at + 3) : '';
    if (!/^[0-9a-f]{2}$/i.test(digits)) break;
    const byte = Number.parseInt(digits, 16);
    if (bytes.length > 0 && (byte & 0xc0) !== 0x80) break;
    bytes.push(byte);
    if (byte < 0x80) break;
  }
  if (bytes.length === 0) return undefined;
  return { text: Buffer.from(bytes).toString('utf8'), length: bytes.length * 3 };
}

function entityAt(text: string, index: number): { text: string; length: number } | undefined {
  const match = /^&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/i.exec(text.slice(index, index + 12));
  if (match === null) return undefined;
  const length = match[0].length;
  if (match[1] !== undefined) return fromCode(match[1], 10, length);
  if (match[2] !== undefined) return fromCode(match[2], 16, length);
  const plain = entities[match[3] ?? ''];
  return plain === undefined ? undefined : { text: plain, length };
}

function fromCode(
  digits: string,
  radix: number,
  length: number,
): { text: string; length: number } | undefined {
  const code = Number.parseInt(digits, radix);
  return code <= 0x10ffff ? { text: String.fromCodePoint(code), length } : undefined;
}

/** Payloads in base64 (also its URL alphabet) and in hex that decode to readable text, at most `countMax` of each. */
export function decodePayloads(view: View, countMax: number): View[] {
  return [
    ...payloads(view, 'base64', base64Runs(view.text), countMax),
    ...payloads(view, 'hex', hexRuns(view.text), countMax),
  ];
}

function payloads(view: View, kind: ViewKind, runs: Iterable<Run>, countMax: number): View[] {
  const views: View[] = [];
  const add = (text: string, as: ViewKind, run: Run) => {
    const builder = new ViewBuilder();
    builder.add(text, ...view.span(run.start, run.end));
    views.push(builder.build(as));
  };
  for (const run of runs) {
    const text = run.bytes.toString('utf8');
    if (readable(text)) add(text, kind, run);
    // A run of base32 is one of base64 too.
    else if (kind === 'base64' && run.end - run.start >= BASE32_MIN) {
      const spelled = view.text.slice(run.start, Math.min(run.end, run.start + RUN_MAX));
      const other = /^[A-Z2-7]+$/.test(spelled) ? fromBase32(spelled) : '';
      if (readable(other)) add(other, 'base32', run);
    }
    if (views.length === countMax) break;
  }
  return views;
}

interface Run {
  start: number;
  end: number;
  bytes: Buffer;
}

/** For each ASCII character: 1 when it is of base64, 2 a hexadecimal digit, 4 a sign between such bytes. */
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return (
    Number(/[A-Za-z0-9+/_-]/.test(character)) +
    2 * Number(/[0-9a-f]/i.test(character)) +
    4 * Number(/[ ,:;-]/.test(character))
  );
});

function kindOf(code: number): number {
  return code < 128 ? (kinds[code] ?? 0) : 0;
}

/** Runs are found by looking at each BASE64_MIN-th character: one of them lies in every run that is long enough. */
function* base64Runs(text: string): Generator<Run> {
  for (let index = BASE64_MIN - 1; index < text.length; index += BASE64_MIN) {
    if ((kindOf(text.charCodeAt(index)) & 1) === 0) continue;
    let start = index;
    while (start > 0 && (kindOf(text.charCodeAt(start - 1)) & 1) !== 0) start--;
    let end = index + 1;
    while (end < text.length && (kindOf(text.charCodeAt(end)) & 1) !== 0) end++;
    if (end - start >= BASE64_MIN) {
      const bytes = Buffer.from(text.slice(start, Math.min(end, start + RUN_MAX)), 'base64');
      yield { start, end, bytes };
    }
    // On from the last place that was looked at within this run.
    index += Math.floor((end - 1 - index) / BASE64_MIN) * BASE64_MIN;
  }
}

/**
 * Whether enough hexadecimal digits stand in a row, with signs between or without. Found in the same way; no further than the
 * shortest run with its signs is looked at to either side.
 */
function mayHaveHex(text: string): boolean {
  const least = 2 * HEX_BYTES_MIN;
  const reach = least + HEX_BYTES_MIN;
  for (let index = least - 1; index < text.length; index += least) {
    let digits = 0;
    for (let at = index; at >= Math.max(0, index - reach); at--) {
      const kind = kindOf(text.charCodeAt(at));
      if ((kind & 6) === 0) break;
      if ((kind & 2) !== 0 && ++digits === least) return true;
    }
    for (let at = index + 1; at < Math.min(text.length, index + reach); at++) {
      const kind = kindOf(text.charCodeAt(at));
      if ((kind & 6) === 0) break;
      if ((kind & 2) !== 0 && ++digits === least) return true;
    }
  }
  return false;
}

/** Runs of two-digit bytes, next to each other or with one sign between. */
function* hexRuns(text: string): Generator<Run> {
  if (!mayHaveHex(text)) return;
  let index = 0;
  while (index < text.length) {
    const bytes: number[] = [];
    let at = index;
    let end = index;
    while (bytes.length < RUN_MAX) {
      const byte = hexByte(text, at);
      if (byte < 0) break;
      bytes.push(byte);
      end = at + 2;
      at = /[ ,:;-]/.test(text.charAt(end)) ? end + 1 : end;
    }
    if (bytes.length >= HEX_BYTES_MIN) yield { start: index, end, bytes: Buffer.from(bytes) };
    index = Math.max(end, index + 1);
  }
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Whether a decoded payload is text: nearly all of it printable and half of it letters. */
function readable(text: string): boolean {
  if (text.length < 6) return false;
  let printable = 0;
  let letters = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const lower = code | 32;
    if (lower >= 97 && lower <= 122) letters++;
    if ((code >= 32 && code < 127) || code === 10 || code === 13 || code === 9) printable++;
    else if (code >= 0xc0 && code !== 0xfffd && (code < 0xd800 || code > 0xf8ff)) printable++;
  }
  return printable >= text.length * 0.9 && letters >= text.length * 0.5;
}

/** Fewest letters of a sentence that is tried as rot13. */
const ROT13_LETTERS_MIN = 8;
const OTHER_SIGN = 2;
const SENTENCE_END = 3;
/**
 * For each ASCII letter 1 when it is among the commonest of English and French, -1 when rot13 of it is, 0 for both or none;
 * SENTENCE_END for . : ; ! ? " ( ) and the end of a paragraph, OTHER_SIGN for the rest.
 */
const commonness = Int8Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code);
  if ('.:;!?"()\n'.includes(sign)) return SENTENCE_END;
  if (!/[a-z]/.test(sign)) return OTHER_SIGN;
  const common = 'etaoinsrlu';
  return Number(common.includes(sign)) - Number(common.includes(turn(code)));
});

/**
 * The sentences of the folded view that look like rot13, with their letters turned by thirteen places: those with more letters
 * that are common when turned than as they stand.
 * @returns undefined when there is none.
 */
export function rot13(view: View): View | undefined {
  const { text } = view;
  let builder: ViewBuilder | undefined;
  for (let from = 0; from < text.length; ) {
    let to = from;
    let letters = 0;
    let common = 0;
    for (; to < text.length; to++) {
      const code = text.charCodeAt(to);
      const kind = code < 128 ? (commonness[code] ?? OTHER_SIGN) : OTHER_SIGN;
      if (kind < OTHER_SIGN) {
        letters++;
        common += kind;
      } else if (kind === SENTENCE_END) break;
    }
    if (letters >= ROT13_LETTERS_MIN && common < 0) {
      builder ??= new ViewBuilder();
      for (let at = from; at <= to && at < text.length; at++)
        builder.add(turn(text.charCodeAt(at)), view.start(at), view.end(at));
    }
    from = to + 1;
  }
  return builder?.build('rot13');
}

function turn(code: number): string {
  return String.fromCharCode(code >= 97 && code <= 122 ? ((code - 84) % 26) + 97 : code);
}
