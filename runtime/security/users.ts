import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type UserRecord, userRecord } from '../contracts/people.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { makeId } from './keys.js';
import { type StoredHash, storedHash } from './passwords.js';

/** Users that there may be. */
export const usersMax = 100;

const storedUser = userRecord.extend({ password: storedHash });
type StoredUser = z.infer<typeof storedUser>;
const storedFile = z.discriminatedUnion('version', [
  z.strictObject({ version: z.literal(2), users: z.array(storedUser).max(usersMax) }),
  // Before people had an id.
  z.strictObject({ version: z.literal(1), users: z.array(storedUser.omit({ id: true })).max(usersMax) }),
]);

/** The people who may sign in, in one 0600 file. */
export class UserStore {
  readonly #file: string;
  #users: Map<string, StoredUser>;

  private constructor(file: string, users: StoredUser[]) {
    this.#file = file;
    this.#users = new Map(users.map((user) => [user.name, user]));
  }

  /** @throws Error with what to do when the file is damaged. */
  static async open(file: string): Promise<UserStore> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new UserStore(file, []);
    }
    let stored: z.infer<typeof storedFile>;
    try {
      stored = storedFile.parse(JSON.parse(text));
    } catch (cause) {
      throw new Error(
        `${file} is not a file of users of ours; restore it from a backup, or move it away and add users anew`,
        { cause },
      );
    }
    if (stored.version === 2) return new UserStore(file, stored.users);
    const store = new UserStore(file, []);
    await store.#save(new Map(stored.users.map((user) => [user.name, { ...user, id: makeId() }])));
    return store;
  }

  get size(): number {
    return this.#users.size;
  }

  get(name: string): UserRecord | undefined {
    const user = this.#users.get(name);
    return user === undefined ? undefined : recordOf(user);
  }

  hashOf(name: string): StoredHash | undefined {
    return this.#users.get(name)?.password;
  }

  list(): UserRecord[] {
    return [...this.#users.values()].map(recordOf);
  }

  put(user: UserRecord, password: StoredHash): Promise<void> {
    return this.#save(new Map(this.#users).set(user.name, { ...user, password }));
  }

  async remove(name: string): Promise<void> {
    const users = new Map(this.#users);
    users.delete(name);
    await this.#save(users);
  }

  /** Writes first: what is not on the disk does not hold. */
  async #save(users: Map<string, StoredUser>): Promise<void> {
    await writeFileAtomic(
      this.#file,
      `${JSON.stringify({ version: 2, users: [...users.values()] }, null, 2)}\n`,
    );
    this.#users = users;
  }
}

function recordOf({ password: _, ...user }: StoredUser): UserRecord {
  return user;
}
