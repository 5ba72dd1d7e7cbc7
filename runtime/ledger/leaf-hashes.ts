import { hashBytes } from './merkle/node-hash.js';

const roomFirst = 64;

/** Leaf hashes, one after the other, in memory that is used again for each batch. */
export class LeafHashes {
  #bytes: Buffer = Buffer.alloc(0);
  /** A view of each hash in it. */
  #places: Buffer[] = [];
  #count = 0;

  /** Room for the next one. */
  next(): Buffer {
    if (this.#count === this.#places.length) this.#grow();
    return this.#places[this.#count++]!;
  }

  /** Those since the last call; valid until `next`. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#count * hashBytes);
    this.#count = 0;
    return taken;
  }

  #grow(): void {
    const bytes = Buffer.alloc(Math.max(roomFirst * hashBytes, 2 * this.#bytes.byteLength));
    this.#bytes.copy(bytes);
    this.#bytes = bytes;
    this.#places = Array.from({ length: bytes.byteLength / hashBytes }, (_, n) =>
      bytes.subarray(n * hashBytes, (n + 1) * hashBytes),
    );
  }
}
