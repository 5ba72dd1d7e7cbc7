import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type KeyRecord, keyLimits } from '../contracts/access.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

/** Keys that there may be. */
export const keysMax = 1000;
const keyPattern = /^ark_([a-z0-9]{8,32})_([A-Za-z0-9_-]{43})$/;
const idAlphabet = 'abcdefghijklmnopqrstuvwxyz234567';
/** Compared with when there is no such id, so that the time tells nothing. */
const noDigest = Buffer.alloc(32);

const storedKey = keyLimits.extend({
  id: z.string().regex(/^[a-z0-9]{8,32}$/),
  name: z.string().min(1).max(100),
  role: z.enum(['user', 'operator', 'admin']),
  created_ms: z.number().int(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
/** Version 1 had no limits; it is read as it is, and the next change writes version 2. */
const storedFile = z.strictObject({
  version: z.union([z.literal(1), z.literal(2)]),
  keys: z.array(storedKey).max(keysMax),
});

type StoredKey = z.infer<typeof storedKey>;
type HeldKey = KeyRecord & { digest: Buffer };

/** A new id of a key or a user, of 50 random bits. */
export function makeId(): string {
  return [...randomBytes(10)].map((byte) => idAlphabet[byte & 31]).join('');
}

/** A new key in the form `ark_<id>_<256 random bits>`. */
export function makeKey(): { id: string; key: string } {
  const id = makeId();
  return { id, key: `ark_${id}_${randomBytes(32).toString('base64url')}` };
}

/** The parts of a key; null for what does not have the form of one. */
export function parseKey(key: string): { id: string; digest: Buffer } | null {
  const match = keyPattern.exec(key);
  return match === null ? null : { id: match[1]!, digest: createHash('sha256').update(match[2]!).digest() };
}

function recordOf({ digest: _, ...record }: HeldKey): KeyRecord {
  return record;
}

/**
 * The keys of an appliance in one 0600 file: found by id, kept as SHA-256 of the secret, compared in constant time. A secret of 256
 * random bits needs no slow hash.
 */
export class KeyStore {
  readonly #file: string;
  #keys: Map<string, HeldKey>;

  private constructor(file: string, keys: Map<string, HeldKey>) {
    this.#file = file;
    this.#keys = keys;
  }

  /** @throws Error with what to do when the file is damaged. */
  static async open(file: string): Promise<KeyStore> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new KeyStore(file, new Map());
    }
    try {
      const { keys } = storedFile.parse(JSON.parse(text));
      return new KeyStore(
        file,
        new Map(keys.map(({ sha256, ...key }) => [key.id, { ...key, digest: Buffer.from(sha256, 'hex') }])),
      );
    } catch (cause) {
      throw new Error(
        `${file} is not a key file of ours; restore it from a backup, or move it away and make new keys`,
        { cause },
      );
    }
  }

  get size(): number {
    return this.#keys.size;
  }

  find(key: string): KeyRecord | null {
    const parsed = parseKey(key);
    if (parsed === null) return null;
    const held = this.#keys.get(parsed.id);
    const same = timingSafeEqual(parsed.digest, held?.digest ?? noDigest);
    return same && held !== undefined ? recordOf(held) : null;
  }

  list(): KeyRecord[] {
    return [...this.#keys.values()].map(recordOf);
  }

  get(id: string): KeyRecord | undefined {
    return this.#keys.get(id);
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  async add(record: KeyRecord, digest: Buffer): Promise<void> {
    await this.#save(new Map(this.#keys).set(record.id, { ...record, digest }));
  }

  async remove(id: string): Promise<void> {
    const keys = new Map(this.#keys);
    keys.delete(id);
    await this.#save(keys);
  }

  /** Writes first: what is not on the disk does not hold. */
  async #save(keys: Map<string, HeldKey>): Promise<void> {
    const stored: StoredKey[] = [...keys.values()].map(({ digest, ...key }) => ({
      ...key,
      sha256: digest.toString('hex'),
    }));
    await writeFileAtomic(this.#file, `${JSON.stringify({ version: 2, keys: stored }, null, 2)}\n`);
    this.#keys = keys;
  }
}
