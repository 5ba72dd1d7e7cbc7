import type { JsonValue } from '../contracts/json.js';

/** Deepest nesting taken; also what stops a cycle. */
const depthMax = 64;
/** Keys whose quoted form is remembered, and the longest one remembered. */
const keysRemembered = 4096;
const keyLengthMax = 64;

/** Printable ASCII without `"` and `\`: needs no escape. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const loneSurrogate = /\p{Surrogate}/u;

const quotedKeys = new Map<string, string>();

/**
 * Canonical JSON after RFC 8785: keys sorted by UTF-16 code units, numbers and strings as ECMAScript writes them.
 * Strict where RFC 8785 builds on I-JSON (RFC 7493): lone surrogates, NaN, infinities and integers beyond
 * ±(2^53 − 1) are refused, because a reader may not get back what was written.
 *
 * Two ways that give the same text: a value whose keys already are in order (records written with sorted literals) is checked
 * in one walk and written by the engine's own JSON.stringify; anything else is put together piece by piece, about a third slower.
 * @throws TypeError that names what is not canonical JSON; RangeError for a number or a depth out of bounds.
 */
export function canonicalJson(value: JsonValue): string {
  if (isOrdered(value, 0)) {
    const text = JSON.stringify(value);
    // Well-formed JSON.stringify writes a lone surrogate as \udXXX; a false alarm (an escaped backslash) only costs time.
    if (!text.includes('\\ud')) return text;
  }
  return write(value, 0);
}

/** Quotes one string as RFC 8785 section 3.2.2.2 says. */
export function canonicalString(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  if (loneSurrogate.test(text)) throw new TypeError('canonical JSON: a string holds a lone surrogate');
  return JSON.stringify(text);
}

/** Whether JSON.stringify's own key order is the canonical one; refuses what is no canonical JSON on the way. */
function isOrdered(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      checkNumber(value);
      return true;
    case 'object':
      break;
    default:
      throw new TypeError(`canonical JSON: a ${typeof value} is no JSON value`);
  }
  if (value === null) return true;
  checkDepth(depth);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!isOrdered(value[i], depth + 1)) return false;
    }
    return true;
  }
  const record = plainRecord(value);
  let previous = '';
  for (const key of Object.keys(record)) {
    if (key < previous) return false;
    previous = key;
    if (!isOrdered(record[key], depth + 1)) return false;
  }
  return true;
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      checkNumber(value);
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      break;
    default:
      throw new TypeError(`canonical JSON: a ${typeof value} is no JSON value`);
  }
  if (value === null) return 'null';
  checkDepth(depth);
  let text = '';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      text += (i === 0 ? '[' : ',') + write(value[i], depth + 1);
    }
    return text === '' ? '[]' : `${text}]`;
  }
  const record = plainRecord(value);
  for (const key of Object.keys(record).sort()) {
    text += (text === '' ? '{' : ',') + quotedKey(key) + write(record[key], depth + 1);
  }
  return text === '' ? '{}' : `${text}}`;
}

function quotedKey(key: string): string {
  let quoted = quotedKeys.get(key);
  if (quoted === undefined) {
    quoted = `${canonicalString(key)}:`;
    if (key.length <= keyLengthMax && quotedKeys.size < keysRemembered) quotedKeys.set(key, quoted);
  }
  return quoted;
}

function checkNumber(value: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`canonical JSON: ${value} is no JSON number`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new RangeError(`canonical JSON: the integer ${value} is beyond ±${Number.MAX_SAFE_INTEGER}`);
  }
}

function checkDepth(depth: number): void {
  if (depth >= depthMax) throw new RangeError(`canonical JSON: nested deeper than ${depthMax}`);
}

/** Only plain objects: a Date, a Map or a class with toJSON would be written as something else than it is. */
function plainRecord(value: object): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('canonical JSON: only plain objects and arrays are taken');
  }
  return value as Record<string, unknown>;
}
