import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import { strictBase64 } from './base64.js';
import { NoteError } from './note-error.js';

/** Ed25519 in C2SP signed-note. */
const algorithm = 0x01;
export const seedBytes = 32;
const publicKeyBytes = 32;
const signatureBytes = 64;

/** The fixed DER in front of a raw Ed25519 key, RFC 8410. */
const privateDer = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicDer = Buffer.from('302a300506032b6570032100', 'hex');

/** Checks the signatures of one key. */
export interface NoteVerifier {
  readonly name: string;
  /** First 4 bytes of SHA-256(name ‖ newline ‖ 0x01 ‖ public key). With the name it tells keys apart; it proves nothing. */
  readonly keyId: number;
  verify(text: string, signature: Uint8Array): boolean;
}

export interface NoteSigner {
  readonly name: string;
  /** What others check with: `name+key id+base64(0x01 ‖ public key)`. */
  readonly verifierKey: string;
  /** The signature line of a note with this text, without its newline. */
  sign(text: string): string;
}

/** Whether a text can be the name of a key: not empty, no space of Unicode, no plus, no control character. */
function isKeyName(name: string): boolean {
  return /^[^\s\p{Z}\p{Cc}\p{Cs}+]+$/u.test(name);
}

/** @throws NoteError `key_malformed` for a name or a seed of another form. */
export function createSigner(name: string, seed: Uint8Array): NoteSigner {
  if (!isKeyName(name)) {
    throw new NoteError('key_malformed', `${JSON.stringify(name)} cannot be the name of a key`);
  }
  if (seed.byteLength !== seedBytes) {
    throw new NoteError('key_malformed', `an Ed25519 seed has ${seedBytes} bytes, not ${seed.byteLength}`);
  }
  const key = createPrivateKey({ key: Buffer.concat([privateDer, seed]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicDer.byteLength);
  const typed = Buffer.concat([Buffer.of(algorithm), raw]);
  const keyId = keyIdOf(name, typed);
  return {
    name,
    verifierKey: `${name}+${hexId(keyId)}+${typed.toString('base64')}`,
    sign: (text) => {
      const id = Buffer.alloc(4);
      id.writeUInt32BE(keyId);
      const signature = sign(null, Buffer.from(text, 'utf8'), key);
      return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}`;
    },
  };
}

/** @throws NoteError `key_malformed` with what is wrong. */
export function parseVerifierKey(text: string): NoteVerifier {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  const [, name = '', id = '', encoded = ''] = match ?? [];
  if (!isKeyName(name)) {
    throw new NoteError('key_malformed', 'a verifier key has the form name+8 hex digits+base64');
  }
  const typed = strictBase64(encoded);
  if (typed?.byteLength !== 1 + publicKeyBytes || typed[0] !== algorithm) {
    throw new NoteError('key_malformed', `the verifier key of ${name} is not an Ed25519 key`);
  }
  const keyId = keyIdOf(name, typed);
  if (hexId(keyId) !== id) {
    throw new NoteError('key_malformed', `the verifier key of ${name} has the id ${hexId(keyId)}, not ${id}`);
  }
  const key = createPublicKey({
    key: Buffer.concat([publicDer, typed.subarray(1)]),
    format: 'der',
    type: 'spki',
  });
  return {
    name,
    keyId,
    verify: (signed, signature) =>
      signature.byteLength === signatureBytes && verify(null, Buffer.from(signed, 'utf8'), key, signature),
  };
}

function keyIdOf(name: string, typedKey: Buffer): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typedKey]), 'buffer').readUInt32BE(0);
}

function hexId(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}
