import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';

const magic = Buffer.from('ARKSEAL1');
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
/** 64 MB and about a second on a Pi 4 for each guess. */
const cost = { N: 65_536, r: 8, p: 1, maxmem: 134_217_728 };
export const passphraseCharsMin = 8;

/**
 * Encrypts under a passphrase: scrypt, then AES-256-GCM.
 * `ARKSEAL1 │ salt 16 │ nonce 12 │ tag 16 │ ciphertext`
 */
export async function seal(plain: Buffer, passphrase: string): Promise<Buffer> {
  const [salt, nonce] = [randomBytes(saltBytes), randomBytes(nonceBytes)];
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, salt), nonce);
  cipher.setAAD(magic);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([magic, salt, nonce, cipher.getAuthTag(), encrypted]);
}

/** Undefined when the passphrase is another, or the bytes were changed: that cannot be told apart. */
export async function unseal(sealed: Buffer, passphrase: string): Promise<Buffer | undefined> {
  let at = 0;
  const take = (bytes: number) => {
    at += bytes;
    return sealed.subarray(at - bytes, at);
  };
  if (!take(magic.byteLength).equals(magic)) return undefined;
  const [salt, nonce, tag] = [take(saltBytes), take(nonceBytes), take(tagBytes)];
  if (tag.byteLength !== tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', await keyOf(passphrase, salt), nonce);
  decipher.setAAD(magic);
  decipher.setAuthTag(tag);
  const plain = decipher.update(sealed.subarray(at));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch (error) {
    // What OpenSSL says when the tag does not fit has no code.
    if (error instanceof Error && /unable to authenticate/i.test(error.message)) return undefined;
    throw error;
  }
}

function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, keyBytes, cost, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
