import type { EncodedEvent } from './event.js';
import { leafBytesMax, leafPrefix } from './leaf.js';
import { type AppendMessage, eventHeadBytes, noName } from './protocol.js';

/** Room of a fresh slab; holds the longest leaf even when every character takes three bytes. */
export const slabBytes = 262_144;
/** Events on their way to the writer, laid out as protocol.ts draws it. */
export class Batch {
  count = 0;
  /** Bytes in use. */
  bytes = 0;
  #slab: Buffer;
  #view: DataView;
  #names = new Map<string, number>();
  #textNames: string[] = [];

  constructor(slab: ArrayBuffer) {
    this.#slab = Buffer.from(slab);
    this.#view = new DataView(slab);
  }

  isFull(countMax: number, bytesMax: number): boolean {
    return this.count >= countMax || this.bytes >= bytesMax;
  }

  /**
   * Adds one event.
   * @throws RangeError when the leaf is longer than 65,535 bytes; the batch is then as it was.
   */
  add(event: EncodedEvent, columns: BatchColumns): void {
    const head = this.bytes;
    const leafAt = head + eventHeadBytes;
    const leafBytes = this.#writeLeaf(event.leaf, leafAt);
    let end = leafAt + 1 + leafBytes;
    const { type, module, stream, correlationId = '', timeMs, expectedVersion = Number.NaN } = columns;
    let more = correlationId.length * 3;
    for (const { salt, bytes } of event.texts) more += 4 + salt.byteLength + bytes.byteLength;
    this.#reserve(end, more);
    const correlationBytes = correlationId === '' ? 0 : this.#slab.write(correlationId, end, 'utf8');
    end += correlationBytes;
    const view = this.#view;
    view.setFloat64(head, timeMs, true);
    view.setUint32(head + 8, this.#name(type), true);
    view.setUint32(head + 12, this.#name(module), true);
    view.setUint32(head + 16, stream === undefined ? noName : this.#name(stream), true);
    view.setUint32(head + 20, leafBytes, true);
    view.setUint32(head + 24, correlationBytes, true);
    view.setUint32(head + 28, event.texts.length, true);
    view.setFloat64(head + 32, expectedVersion, true);
    for (const { name, salt, bytes } of event.texts) {
      view.setUint32(end, bytes.byteLength, true);
      this.#slab.set(salt, end + 4);
      this.#slab.set(bytes, end + 4 + salt.byteLength);
      end += 4 + salt.byteLength + bytes.byteLength;
      this.#textNames.push(name);
    }
    this.bytes = end;
    this.count++;
  }

  /** The message, whose slab is to be transferred; the batch is used up. */
  message(): AppendMessage {
    return {
      kind: 'append',
      count: this.count,
      bytes: this.bytes,
      slab: this.#slab.buffer as ArrayBuffer,
      names: [...this.#names.keys()],
      textNames: this.#textNames,
    };
  }

  #name(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const place = this.#names.size;
    this.#names.set(name, place);
    return place;
  }

  #writeLeaf(leaf: string, at: number): number {
    if (leaf.length > leafBytesMax) throw tooLong(leaf);
    this.#reserve(at, 1 + leaf.length * 3);
    const written = this.#slab.write(leaf, at + 1, 'utf8');
    if (written > leafBytesMax) throw tooLong(leaf);
    this.#slab[at] = leafPrefix;
    return written;
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#slab.byteLength) return;
    const grown = new ArrayBuffer(Math.max(this.#slab.byteLength * 2, used + more));
    const slab = Buffer.from(grown);
    slab.set(this.#slab.subarray(0, Math.min(used, this.#slab.byteLength)));
    this.#slab = slab;
    this.#view = new DataView(grown);
  }
}

/** The columns that queries select by. */
export interface BatchColumns {
  type: string;
  module: string;
  stream?: string | undefined;
  correlationId?: string | undefined;
  timeMs: number;
  expectedVersion?: number | undefined;
}

function tooLong(leaf: string): RangeError {
  return new RangeError(
    `an event's leaf has at most ${leafBytesMax} bytes, not ${Buffer.byteLength(leaf)}; long or personal content belongs into texts`,
  );
}
