import { isUtf8 } from 'node:buffer';
import type { Writable } from 'node:stream';

/** Bytes of the length field: unsigned, 32 bits, little-endian. */
const headerBytes = 4;

/** Why a stream of frames cannot be read any further. */
export type FrameFault = 'too_long' | 'not_utf8' | 'not_json';

export interface Decoded {
  /** Values of the frames completed by this chunk, in order. */
  values: unknown[];
  /** Set once the stream is broken; everything after it is ignored. */
  fault?: FrameFault;
}

/** One frame: four bytes of length, then that many bytes of JSON in UTF-8. */
export function encodeFrame(value: unknown): Buffer {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, headerBytes, 'utf8');
  return frame;
}

/**
 * From here on what is written in the same turn of the event loop goes in one write: called after a frame that must not wait, or before one
 * that can. An engine's answer often comes in many pieces at once, and each write of a pipe costs a call to the kernel and wakes who reads it.
 */
export function gatherWrites(pipe: Writable): void {
  if (pipe.writableCorked > 0) return;
  pipe.cork();
  process.nextTick(() => pipe.uncork());
}

/**
 * Cuts a byte stream into frames. Never throws, and holds no more than the bytes that really arrived: the claimed length is
 * compared with the bound before anything is gathered for it. What it has read it overwrites with zeros, since frames hold prompts: the
 * chunks that it is given are its own from then on.
 */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #held = 0;
  #bytesMax: number;
  #fault: FrameFault | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Changes the bound for frames whose length has not been read yet. */
  limit(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer): Decoded {
    const values: unknown[] = [];
    if (this.#fault !== undefined) return { values, fault: this.#fault };
    if (chunk.length > 0) {
      this.#chunks.push(chunk);
      this.#held += chunk.length;
    }
    while (this.#fault === undefined && this.#held >= headerBytes) {
      const length = this.#head().readUInt32LE(0);
      if (length > this.#bytesMax) this.#fault = 'too_long';
      else if (this.#held < headerBytes + length) break;
      else this.#read(headerBytes + length, values);
    }
    if (this.#fault === undefined) return { values };
    this.#chunks = [];
    this.#held = 0;
    return { values, fault: this.#fault };
  }

  /** The first chunk, made long enough to hold a header. */
  #head(): Buffer {
    const first = this.#chunks[0] as Buffer;
    if (first.length >= headerBytes) return first;
    this.#chunks = [this.#gathered()];
    return this.#chunks[0] as Buffer;
  }

  /** All chunks in one; what they held stays nowhere else. */
  #gathered(): Buffer {
    const whole = Buffer.concat(this.#chunks);
    for (const chunk of this.#chunks) chunk.fill(0);
    return whole;
  }

  #read(frameBytes: number, values: unknown[]): void {
    const whole = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : this.#gathered();
    const rest = whole.subarray(frameBytes);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
    const body = whole.subarray(headerBytes, frameBytes);
    // Not by a TextDecoder: that leaves a copy of the text in memory which nobody can reach any more.
    const text = isUtf8(body) ? body.toString('utf8') : undefined;
    whole.fill(0, 0, frameBytes);
    if (text === undefined) {
      this.#fault = 'not_utf8';
      return;
    }
    try {
      values.push(JSON.parse(text));
    } catch {
      this.#fault = 'not_json';
    }
  }
}
