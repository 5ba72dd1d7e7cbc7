import { z } from 'zod';
import type { RateVerdict } from './admission.js';
import { type Caller, type Role, roles, type Scope, scopes } from './http.js';

/** Roles that a key or a person may have. */
export const keyRoles = ['user', 'operator', 'admin'] as const;
export type KeyRole = (typeof keyRoles)[number];

/** The least role in which a scope lets anything through. */
export const roleOfScope: Record<Scope, KeyRole> = {
  chat: 'user',
  embeddings: 'user',
  guard: 'user',
  decisions: 'user',
  read: 'operator',
  operate: 'operator',
  admin: 'admin',
};

const isWithin = (scope: Scope, role: Role) => roles.indexOf(roleOfScope[scope]) <= roles.indexOf(role);

/** What a caller may do: each scope that its role and its own list let through. */
export function scopesOf({ role, scopes: own }: Pick<Caller, 'role' | 'scopes'>): Scope[] {
  return scopes.filter((scope) => isWithin(scope, role) && (own === undefined || own.includes(scope)));
}

/** What a key may be narrowed by. Absent: not at all. */
export const keyLimits = z.strictObject({
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .max(scopes.length)
    .optional()
    .describe('What it may do of what its role may'),
  requests_per_minute: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Beside the limits of everyone'),
  tokens_per_day: z
    .number()
    .int()
    .min(1)
    .max(1_000_000_000_000)
    .optional()
    .describe('Tokens of prompts and answers in a day of UTC'),
  models: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(100)
    .optional()
    .describe('Models that may answer, as a request names them'),
  expires_ms: z
    .number()
    .int()
    .min(0)
    .max(8_640_000_000_000_000)
    .optional()
    .describe('When it ends, ms since 1970'),
});
export type KeyLimits = z.infer<typeof keyLimits>;

export const keyName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{C}]*$/u, 'must have no control characters');

/** A key that is to be made. */
export const newKey = keyLimits
  .extend({ name: keyName, role: z.enum(keyRoles) })
  .superRefine(({ role, scopes: wanted }, context) => {
    for (const scope of wanted ?? []) {
      if (isWithin(scope, role)) continue;
      const message = `the scope ${scope} is for keys with the role ${roleOfScope[scope]}, not ${role}`;
      context.addIssue({ code: 'custom', path: ['scopes'], message });
    }
  });
export type NewKey = z.infer<typeof newKey>;

export interface KeyRecord extends NewKey {
  id: string;
  created_ms: number;
}

export interface CreatedKey extends KeyRecord {
  /** Shown once: `ark_<id>_<secret>`. */
  key: string;
}

const figure = z.number().int().min(0);

/** What a key did in a day; `refused` are those that its own rate or budget refused. */
export const keyDay = z.strictObject({
  requests: figure,
  refused: figure,
  prompts: figure,
  prompt_tokens: figure,
  completion_tokens: figure,
});
export type KeyDay = z.infer<typeof keyDay>;

export const keyUsage = z.strictObject({
  id: z.string(),
  name: z.string(),
  role: z.enum(keyRoles),
  tokens_per_day: figure.optional(),
  /** By day of UTC, such as 2026-11-21, the newest last. */
  days: z.record(z.string(), keyDay),
});
export type KeyUsage = z.infer<typeof keyUsage>;

/** Counts what keys do, and holds them to their own limits. */
export interface KeyMeter {
  /** Counts a request and takes it from the key's own rate. */
  request(keyId: string): RateVerdict;
  /** @throws AppError `rate_limited`, with when the next day begins, once the budget of the day is used up. */
  admitPrompt(keyId: string): void;
  /** Counts a prompt and the tokens that it took. */
  spend(keyId: string, tokens: { prompt_tokens: number; completion_tokens: number }): void;
}

/** Who may do what: keys, and the code that creates the first one. */
export interface Access {
  /** Whether the appliance waits for its setup code. */
  setupMode(): boolean;
  /**
   * The caller behind a bearer key; null when no such key is valid. Constant time in the secret.
   * @throws AppError `unauthorized` for a key that has expired.
   */
  identify(key: string): Omit<Caller, 'id'> | null;
  /** Whether what let the caller in still holds: its key is neither revoked nor expired. */
  mayGoOn(caller: Pick<Caller, 'keyId'>): boolean;
  /** `by`: who makes it, for the ledger. */
  createKey(options: NewKey, by: string): Promise<CreatedKey>;
  listKeys(): KeyRecord[];
  /** False when there is no such key. */
  revokeKey(id: string, by: string): Promise<boolean>;
  /** What each key did, for as long as it is kept. */
  keyUsage(): KeyUsage[];
  readonly meter: KeyMeter;
  /** Makes a new setup code in its 0600 file; returns the file's path and when it dies. */
  renewSetupCode(by: string): Promise<{ file: string; expires_ms: number }>;
  /** Exchanges the setup code for an administrator's key; null when the code is wrong or dead. */
  redeemSetupCode(code: string): Promise<CreatedKey | null>;
}
