import { hash, randomFillSync } from 'node:crypto';

export const saltBytes = 16;

/** Salts are drawn from a pool: one call of the generator for 256 of them. */
const pool = Buffer.alloc(saltBytes * 256);
let poolUsed = pool.byteLength;

/** A text that may be erased, and the salted hash of it that stays in the leaf. */
export interface CommittedText {
  name: string;
  salt: Buffer;
  bytes: Buffer;
  commitment: string;
}

/**
 * Commits to a text: lower-case hex of SHA-256(salt16 ‖ UTF-8 bytes). Without the salt nobody can confirm a guessed text.
 * A lone surrogate, which UTF-8 cannot hold, is taken as U+FFFD (as the encoders of the web do); stored are the very bytes hashed.
 */
export function commitText(name: string, text: string): CommittedText {
  const salt = freshSalt();
  const bytes = Buffer.from(text, 'utf8');
  return { name, salt, bytes, commitment: commitment(salt, bytes) };
}

/** The commitment of UTF-8 bytes under a salt, in lower-case hex. */
export function commitment(salt: Uint8Array, bytes: Uint8Array): string {
  if (salt.byteLength !== saltBytes) {
    throw new RangeError(`a salt has ${saltBytes} bytes, not ${salt.byteLength}`);
  }
  return hash('sha256', Buffer.concat([salt, bytes]), 'hex');
}

function freshSalt(): Buffer {
  if (poolUsed === pool.byteLength) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  const salt = Buffer.from(pool.subarray(poolUsed, poolUsed + saltBytes));
  poolUsed += saltBytes;
  return salt;
}
