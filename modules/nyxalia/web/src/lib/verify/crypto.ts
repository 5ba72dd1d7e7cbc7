import { hashes, verify } from '@noble/ed25519';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { type Bytes, concat } from './bytes.js';

hashes.sha512 = sha512;

/** What the proofs are checked with. */
export interface Crypto {
  sha256(bytes: Bytes): Promise<Bytes>;
  ed25519(signature: Bytes, message: Bytes, publicKey: Bytes): Promise<boolean>;
}

/** In plain JavaScript: where WebCrypto is absent, as on plain http under any name but localhost. */
export const bundledCrypto: Crypto = {
  sha256: async (bytes) => new Uint8Array(sha256(bytes)),
  ed25519: async (signature, message, publicKey) => {
    // The library throws for a key or a signature that is no point or of another length; that is a signature that does not hold.
    if (signature.length !== 64 || publicKey.length !== 32) return false;
    return verify(signature, message, publicKey, { zip215: false });
  },
};

/** The browser's own, with ours where it lacks Ed25519. */
export function browserCrypto(subtle: SubtleCrypto): Crypto {
  return {
    sha256: async (bytes) => new Uint8Array(await subtle.digest('SHA-256', bytes)),
    ed25519: async (signature, message, publicKey) => {
      let key: CryptoKey;
      try {
        key = await subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        return bundledCrypto.ed25519(signature, message, publicKey);
      }
      return subtle.verify('Ed25519', key, signature, message);
    },
  };
}

/** WebCrypto where the browser offers it. */
export function thisCrypto(): Crypto & { kind: 'browser' | 'bundled' } {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  return subtle === undefined
    ? { ...bundledCrypto, kind: 'bundled' }
    : { ...browserCrypto(subtle), kind: 'browser' };
}

/** RFC 6962 section 2.1. */
export function leafHash(crypto: Crypto, entry: Bytes): Promise<Bytes> {
  return crypto.sha256(concat(Uint8Array.of(0), entry));
}

export function nodeHash(crypto: Crypto, left: Bytes, right: Bytes): Promise<Bytes> {
  return crypto.sha256(concat(Uint8Array.of(1), left, right));
}
