import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { FactsBuilder } from './gguf-facts.js';
import type { ModelFacts } from './types.js';

/**
 * Reads what a GGUF file says of itself, before native code does, and holds every count and length against the size of the file
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3). Runs in the model's own process.
 */

/** Bytes of a file at a position; fewer at its end. */
export interface Source {
  bytes: number;
  read(position: number, length: number): Buffer;
}

/** Most entries of either kind; real models have some hundreds, the largest a few thousand tensors. */
const entriesMax = 65_536;
const dimensionsMax = 4;
const windowBytes = 65_536;
const keyBytesMax = 65_535;
const alignmentMax = 1_048_576;

/** Bytes of a value by its type; strings (8) and arrays (9) have lengths of their own. */
const valueBytes = new Map([
  ...[0, 1, 7].map((type) => [type, 1] as const),
  ...[2, 3].map((type) => [type, 2] as const),
  ...[4, 5, 6].map((type) => [type, 4] as const),
  ...[10, 11, 12].map((type) => [type, 8] as const),
]);
const stringType = 8;
const arrayType = 9;
const uint32Type = 4;
/** Longest text that is taken out of an entry; a longer one is passed over. */
const keptTextMax = 512;

/** Elements of a block and its bytes, by ggml's type of tensor. */
const blocks = new Map<number, readonly [elements: number, bytes: number]>([
  [0, [1, 4]],
  [1, [1, 2]],
  [2, [32, 18]],
  [3, [32, 20]],
  [6, [32, 22]],
  [7, [32, 24]],
  [8, [32, 34]],
  [9, [32, 36]],
  [10, [256, 84]],
  [11, [256, 110]],
  [12, [256, 144]],
  [13, [256, 176]],
  [14, [256, 210]],
  [15, [256, 292]],
  [16, [256, 66]],
  [17, [256, 74]],
  [18, [256, 98]],
  [19, [256, 50]],
  [20, [32, 18]],
  [21, [256, 110]],
  [22, [256, 82]],
  [23, [256, 136]],
  [24, [1, 1]],
  [25, [1, 2]],
  [26, [1, 4]],
  [27, [1, 8]],
  [28, [1, 8]],
  [29, [256, 56]],
  [30, [1, 2]],
  [34, [256, 54]],
  [35, [256, 66]],
  [39, [32, 17]],
]);

/** What is wrong with a file; thrown inside only. */
class Damaged extends Error {}

function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Damaged(what);
}

/** Walks a file from its beginning; no step leads behind its end, and no more than a window is in memory. */
class Walker {
  readonly #source: Source;
  #at = 0;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#source.bytes - this.#at;
  }

  skip(bytes: number): void {
    holds(bytes <= this.left, 'it ends too early');
    this.#at += bytes;
  }

  /** At most a window of bytes. */
  take(bytes: number): Buffer {
    holds(bytes <= this.left, 'it ends too early');
    if (this.#at < this.#windowAt || this.#at + bytes > this.#windowAt + this.#window.length) {
      this.#windowAt = this.#at;
      this.#window = this.#source.read(this.#at, windowBytes);
      holds(this.#window.length >= bytes, 'it ends too early');
    }
    const from = this.#at - this.#windowAt;
    this.#at += bytes;
    return this.#window.subarray(from, from + bytes);
  }

  uint32(): number {
    return this.take(4).readUInt32LE(0);
  }

  /** A length or count of things that take at least `bytesEach` bytes in what is left. */
  count(bytesEach: number, what: string): number {
    const value = this.take(8).readBigUInt64LE(0);
    holds(value <= BigInt(Math.floor(this.left / bytesEach)), `${what} is larger than the file`);
    return Number(value);
  }

  text(bytesMax: number, what: string): string {
    const bytes = this.count(1, what);
    holds(bytes <= bytesMax, `${what} is too long`);
    return this.take(bytes).toString('latin1');
  }
}

/** Passes over a value; gives it when it is a 32-bit number or a short text. */
function passValue(walker: Walker, type: number): number | string | undefined {
  if (type === uint32Type) return walker.uint32();
  const bytes = valueBytes.get(type);
  if (bytes !== undefined) walker.skip(bytes);
  else if (type === stringType) {
    const length = walker.count(1, 'a text');
    if (length <= keptTextMax) return walker.take(length).toString('utf8');
    walker.skip(length);
  } else {
    holds(type === arrayType, 'a value has a type that is none');
    const of = walker.uint32();
    const each = of === stringType ? 8 : valueBytes.get(of);
    holds(each !== undefined, 'an array holds a type that it cannot');
    const count = walker.count(each, 'an array');
    if (of !== stringType) walker.skip(count * each);
    else for (let i = 0; i < count; i += 1) walker.skip(walker.count(1, 'a text'));
  }
  return undefined;
}

interface Tensor {
  offset: bigint;
  bytes: bigint;
  elements: bigint;
  type: number;
}

function readTensor(walker: Walker): Tensor {
  walker.text(keyBytesMax, 'the name of a tensor');
  const dimensions = walker.uint32();
  holds(dimensions >= 1 && dimensions <= dimensionsMax, 'a tensor has a number of dimensions that it cannot');
  let elements = 1n;
  let row = 1n;
  for (let i = 0; i < dimensions; i += 1) {
    const length = walker.take(8).readBigUInt64LE(0);
    if (i === 0) row = length;
    elements *= length;
    holds(elements > 0n && elements < 1n << 62n, 'a tensor has a size that it cannot');
  }
  const type = walker.uint32();
  const offset = walker.take(8).readBigUInt64LE(0);
  const block = blocks.get(type);
  // A type that is newer than this table is left to the library; its beginning must lie in the file.
  if (block === undefined) return { offset, bytes: 1n, elements, type };
  const perBlock = BigInt(block[0]);
  holds(row % perBlock === 0n, 'a row of a tensor is no whole number of blocks');
  return { offset, bytes: (elements / perBlock) * BigInt(block[1]), elements, type };
}

function walk(source: Source): ModelFacts {
  const walker = new Walker(source);
  const facts = new FactsBuilder();
  holds(walker.take(4).toString('latin1') === 'GGUF', 'it does not begin with GGUF');
  const version = walker.uint32();
  holds(version === 2 || version === 3, 'it is of another version than 2 and 3');
  // A tensor takes at least 32 bytes of description, an entry at least 13.
  const tensorCount = walker.count(32, 'the number of tensors');
  const entryCount = walker.count(13, 'the number of entries');
  holds(tensorCount <= entriesMax && entryCount <= entriesMax, `it has more than ${entriesMax} entries`);
  let alignment = 32;
  for (let i = 0; i < entryCount; i += 1) {
    const key = walker.text(keyBytesMax, 'the name of an entry');
    const value = passValue(walker, walker.uint32());
    if (key === 'general.alignment' && typeof value === 'number') alignment = value;
    facts.entry(key, value);
  }
  holds(alignment >= 8 && alignment % 8 === 0 && alignment <= alignmentMax, 'its alignment is none');
  const tensors: Tensor[] = [];
  for (let i = 0; i < tensorCount; i += 1) tensors.push(readTensor(walker));
  const dataAt = BigInt(Math.ceil(walker.at / alignment) * alignment);
  for (const { offset, bytes } of tensors) {
    holds(offset % BigInt(alignment) === 0n, 'a tensor is not aligned');
    holds(dataAt + offset + bytes <= BigInt(source.bytes), 'a tensor lies behind its end');
  }
  for (const { elements, type } of tensors) facts.tensor(elements, type);
  return facts.facts();
}

/** What a GGUF file says of itself, or what is wrong with it, in words of ours. */
export function readGguf(source: Source): { facts: ModelFacts } | { fault: string } {
  try {
    return { facts: walk(source) };
  } catch (error) {
    if (error instanceof Damaged) return { fault: error.message };
    throw error;
  }
}

/** What is wrong with a GGUF file, in words of ours; undefined when all that it says of itself fits. */
export function ggufFault(source: Source): string | undefined {
  const read = readGguf(source);
  return 'fault' in read ? read.fault : undefined;
}

/** An open file, read at positions. */
export function sourceOf(handle: number): Source {
  return {
    bytes: fstatSync(handle).size,
    read: (position, length) => {
      const buffer = Buffer.allocUnsafe(length);
      return buffer.subarray(0, readSync(handle, buffer, 0, length, position));
    },
  };
}

/** The same of a file on disk. Throws when it cannot be read. */
export function ggufFileFault(file: string): string | undefined {
  const handle = openSync(file, 'r');
  try {
    return ggufFault(sourceOf(handle));
  } finally {
    closeSync(handle);
  }
}
