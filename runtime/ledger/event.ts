import { CanonicalJson } from '../contracts/json.js';
import type { NewEvent } from '../contracts/ledger.js';
import { canonicalJson, canonicalString } from './canonical.js';
import { type CommittedText, commitText } from './commitment.js';

const nameLengthMax = 128;
const seriesLengthMax = 256;
const textsMax = 16;
/** UTF-8 bytes of all texts of one event. */
const textBytesMax = 67_108_864;

const moduleName = /^[a-z][a-z0-9_.-]*$/;
const textName = /^[a-z][a-z0-9_]*$/;

/** When and in which life of the process an event is recorded. */
export interface Stamp {
  bootId: string;
  /** Whole milliseconds. */
  timeMs: number;
  monotonicMs: number;
  /** Version of the data of its type. */
  v: number;
}

export interface EncodedEvent {
  /** The canonical leaf, as text. */
  leaf: string;
  texts: readonly CommittedText[];
}

const noTexts: readonly CommittedText[] = [];

/**
 * Turns an event into its leaf, canonical JSON of
 * `{boot_id, correlation_id?, data, module, monotonic_ms, stream?, texts?: {name: commitment}, time_ms, type, v}`.
 * The envelope's keys are written in canonical order here; `data` goes through canonicalJson, unless its maker has
 * done that. The type is one of a catalogue, which has checked it.
 * @throws RangeError or TypeError that says what is wrong with the event.
 */
export function encodeEvent(event: NewEvent, stamp: Stamp): EncodedEvent {
  checkName(event.module, 'module', moduleName);
  checkStamp(stamp);
  const texts = event.texts === undefined ? noTexts : commitTexts(event.texts);
  let leaf = `{"boot_id":${canonicalString(stamp.bootId)}`;
  if (event.correlationId !== undefined) {
    leaf += `,"correlation_id":${seriesName(event.correlationId, 'correlationId')}`;
  }
  const data = event.data instanceof CanonicalJson ? event.data.text : canonicalJson(event.data);
  leaf += `,"data":${data},"module":"${event.module}","monotonic_ms":${stamp.monotonicMs}`;
  if (event.stream !== undefined) leaf += `,"stream":${seriesName(event.stream, 'stream')}`;
  if (texts.length > 0) {
    leaf += `,"texts":{${texts.map((text) => `"${text.name}":"${text.commitment}"`).join()}}`;
  }
  leaf += `,"time_ms":${stamp.timeMs},"type":"${event.type}","v":${stamp.v}}`;
  return { leaf, texts };
}

function commitTexts(texts: Record<string, string>): CommittedText[] {
  const names = Object.keys(texts).sort();
  if (names.length > textsMax) {
    throw new RangeError(`an event has at most ${textsMax} texts, not ${names.length}`);
  }
  let bytes = 0;
  return names.map((name) => {
    checkName(name, 'name of a text', textName);
    const text = texts[name];
    if (typeof text !== 'string') throw new TypeError(`the text ${name} is a ${typeof text}, not a string`);
    const committed = commitText(name, text);
    bytes += committed.bytes.byteLength;
    if (bytes > textBytesMax) {
      throw new RangeError(`the texts of an event have at most ${textBytesMax} bytes`);
    }
    return committed;
  });
}

function checkName(name: string, what: string, pattern: RegExp): void {
  if (typeof name !== 'string' || name.length > nameLengthMax || !pattern.test(name)) {
    throw new RangeError(
      `the ${what} of an event matches ${pattern.source} with at most ${nameLengthMax} characters, not ${String(name).slice(0, nameLengthMax)}`,
    );
  }
}

function seriesName(name: string, what: string): string {
  if (typeof name !== 'string' || name.length === 0 || name.length > seriesLengthMax) {
    throw new RangeError(`the ${what} of an event has 1 to ${seriesLengthMax} characters`);
  }
  return canonicalString(name);
}

function checkStamp(stamp: Stamp): void {
  if (!Number.isSafeInteger(stamp.timeMs) || !Number.isSafeInteger(stamp.monotonicMs)) {
    throw new RangeError(`the clock gave ${stamp.timeMs} and ${stamp.monotonicMs}, not whole milliseconds`);
  }
}
