import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/**
 * scrypt (RFC 7914) with N = 2^15, r = 8, p = 3, of the choices that OWASP's Password Storage Cheat Sheet calls equal: 32 MiB and, on a
 * Raspberry Pi 4, about a second. Stored with each hash, so that they can be raised later.
 */
const cost = { n: 32_768, r: 8, p: 3 } as const;
const HASH_BYTES = 32;

export const storedHash = z.strictObject({
  n: z.number().int().min(2).max(1_048_576),
  r: z.number().int().min(1).max(32),
  p: z.number().int().min(1).max(16),
  salt: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  hash: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type StoredHash = z.infer<typeof storedHash>;

function derive(
  password: string,
  salt: Buffer,
  { n, r, p }: Pick<StoredHash, 'n' | 'r' | 'p'>,
): Promise<Buffer> {
  // Two forms of one accented letter are one password.
  const text = password.normalize('NFC');
  const options = { N: n, r, p, maxmem: 256 * n * r };
  return new Promise((resolve, reject) => {
    scrypt(text, salt, HASH_BYTES, options, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}

export async function hashPassword(password: string): Promise<StoredHash> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return { ...cost, salt: salt.toString('base64url'), hash: hash.toString('base64url') };
}

/** Of nobody: compared with when there is no such user, so that the time tells nothing. */
const nobody: StoredHash = { ...cost, salt: 'A'.repeat(22), hash: 'A'.repeat(43) };

export async function isPassword(password: string, stored: StoredHash | undefined): Promise<boolean> {
  const against = stored ?? nobody;
  const hash = await derive(password, Buffer.from(against.salt, 'base64url'), against);
  return timingSafeEqual(hash, Buffer.from(against.hash, 'base64url')) && stored !== undefined;
}
