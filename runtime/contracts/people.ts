import { z } from 'zod';
import { type Access, keyRoles } from './access.js';
import type { Caller } from './http.js';

export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z 0-9 . _ -, and begin with a letter or digit');
export const password = z
  .string()
  .min(10, 'must have at least 10 characters')
  .max(1024)
  .describe('Kept as its scrypt hash only');
export const newUser = z.strictObject({ name: userName, role: z.enum(keyRoles), password });

export const userRecord = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9]{10}$/)
    .describe('Stands for the name wherever it is recorded'),
  name: userName,
  role: z.enum(keyRoles),
  created_ms: z.number().int(),
});
export type UserRecord = z.infer<typeof userRecord>;

/** `tab`: the browser forgets it when it is closed; `lasting`: it keeps it until it ends. */
export const loginModes = ['tab', 'lasting'] as const;
export type LoginMode = (typeof loginModes)[number];

export const loginRecord = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{16}$/),
  user: userName,
  mode: z.enum(loginModes),
  created_ms: z.number().int(),
});
/** Somebody who is signed in, in one browser. */
export type LoginRecord = z.infer<typeof loginRecord>;

/** A login and the token that its browser is to keep. */
export interface IssuedLogin {
  login: LoginRecord;
  token: string;
  /** How long it still holds. */
  leftMs: number;
}

/** People who sign in with a name and a password. `by` is who acts, for the ledger. */
export interface People {
  listUsers(): UserRecord[];
  /** @throws AppError `conflict` for a name that there is, or when there are too many. */
  addUser(user: z.infer<typeof newUser>, by: string): Promise<UserRecord>;
  /** Ends the logins of the user; false when there is no such user. */
  setPassword(name: string, password: string, by: string): Promise<boolean>;
  /**
   * Gives whoever is signed in another password; ends the other logins of that person. `client` is who tries, as in `login`.
   * @throws AppError `forbidden` when the current one is wrong, `rate_limited` after too many wrong ones.
   */
  changePassword(change: {
    login: { id: string; user: string };
    current: string;
    password: string;
    client: string;
    by: string;
  }): Promise<void>;
  /** Ends the logins of the user; false when there is no such user. */
  removeUser(name: string, by: string): Promise<boolean>;
  /**
   * Signs in. `client` is who tries, for the limit on wrong passwords.
   * @throws AppError `unauthorized` for a wrong name or password, `rate_limited` after too many.
   */
  login(attempt: { user: string; password: string; mode: LoginMode; client: string }): Promise<IssuedLogin>;
  /** The login behind a token, and its user's role of now; with `renewed` the browser is to keep that instead. Null: it does not hold. */
  identify(token: string): Promise<{ user: UserRecord; login: LoginRecord; renewed?: IssuedLogin } | null>;
  listLogins(): LoginRecord[];
  /** Whether a login was not ended, as far as that is known without its token. */
  holds(loginId: string): boolean;
  /** False when there is no such login. */
  endLogin(id: string, by: string): Promise<boolean>;
}

/** Whether what let a caller in still holds: its key is neither revoked nor expired, its login was not ended. */
export function mayGoOn(
  { access, people }: { access: Pick<Access, 'mayGoOn'>; people: Pick<People, 'holds'> },
  caller: Pick<Caller, 'keyId' | 'login'>,
): boolean {
  return caller.login === undefined ? access.mayGoOn(caller) : people.holds(caller.login.id);
}
