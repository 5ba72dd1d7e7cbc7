import type { EncodedEvent } from './event.js';
import { leafBytesMax, leafPrefix } from './leaf.js';
import { type AppendMessage, noName } from './protocol.js';

/** Room of a fresh slab; holds the longest leaf even when every character takes three bytes. */
export const slabBytes = 262_144;
/** A batch that has grown to this takes no more, so that one commit stays bounded. */
const batchBytes = 4_194_304;

/** Events on their way to the writer, laid out as protocol.ts draws it. */
export class Batch {
  count = 0;
  /** Bytes in use. */
  bytes = 0;
  #slab: Buffer;
  #sizes: number[] = [];
  #names = new Map<string, number>();
  #columns: number[] = [];
  #timesMs: number[] = [];
  #textNames: string[] = [];

  constructor(slab: ArrayBuffer) {
    this.#slab = Buffer.from(slab);
  }

  isFull(countMax: number): boolean {
    return this.count >= countMax || this.bytes >= batchBytes;
  }

  /**
   * Adds one event.
   * @throws RangeError when the leaf is longer than 65,535 bytes; the batch is then as it was.
   */
  add(event: EncodedEvent, columns: BatchColumns): void {
    const leafBytes = this.#writeLeaf(event.leaf);
    let end = this.bytes + 1 + leafBytes;
    const { correlationId = '' } = columns;
    let more = correlationId.length * 3;
    for (const text of event.texts) more += text.salt.byteLength + text.bytes.byteLength;
    this.#reserve(end, more);
    const correlationBytes = this.#slab.write(correlationId, end, 'utf8');
    end += correlationBytes;
    this.#sizes.push(leafBytes, correlationBytes, event.texts.length);
    for (const text of event.texts) {
      this.#slab.set(text.salt, end);
      end += text.salt.byteLength;
      this.#slab.set(text.bytes, end);
      end += text.bytes.byteLength;
      this.#sizes.push(text.bytes.byteLength);
      this.#textNames.push(text.name);
    }
    this.bytes = end;
    this.count++;
    const { type, module, stream } = columns;
    this.#columns.push(
      this.#name(type),
      this.#name(module),
      stream === undefined ? noName : this.#name(stream),
    );
    this.#timesMs.push(columns.timeMs);
  }

  /** The message, whose slab is to be transferred; the batch is used up. */
  message(): AppendMessage {
    return {
      kind: 'append',
      count: this.count,
      slab: this.#slab.buffer as ArrayBuffer,
      sizes: Uint32Array.from(this.#sizes),
      names: [...this.#names.keys()],
      columns: Uint32Array.from(this.#columns),
      timesMs: Float64Array.from(this.#timesMs),
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

  #writeLeaf(leaf: string): number {
    if (leaf.length > leafBytesMax) throw tooLong(leaf);
    this.#reserve(this.bytes, 1 + leaf.length * 3);
    const written = this.#slab.write(leaf, this.bytes + 1, 'utf8');
    if (written > leafBytesMax) throw tooLong(leaf);
    this.#slab[this.bytes] = leafPrefix;
    return written;
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#slab.byteLength) return;
    const grown = Buffer.from(new ArrayBuffer(Math.max(this.#slab.byteLength * 2, used + more)));
    grown.set(this.#slab.subarray(0, used));
    this.#slab = grown;
  }
}

/** The columns that queries select by. */
interface BatchColumns {
  type: string;
  module: string;
  stream?: string | undefined;
  correlationId?: string | undefined;
  timeMs: number;
}

function tooLong(leaf: string): RangeError {
  return new RangeError(
    `an event's leaf has at most ${leafBytesMax} bytes, not ${Buffer.byteLength(leaf)}; long or personal content belongs into texts`,
  );
}
