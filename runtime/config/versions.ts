import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Config, configSchema } from './schema.js';

const rejectedMax = 20;
/** A power cut is no fault of the configuration; two during its probation are taken for one. */
export const uncleanMax = 2;

const shape = z.strictObject({
  good: z.strictObject({ version: z.string(), since_ms: z.number(), config: configSchema }).nullable(),
  trial: z.strictObject({ version: z.string(), unclean: z.number() }).nullable(),
  rejected: z.array(
    z.strictObject({
      version: z.string(),
      why: z.string(),
      at_ms: z.number(),
      /** It never came to serve. Another try costs no more than a start, and what it lacked may be there by then. */
      never_started: z.literal(true).optional(),
    }),
  ),
});

/**
 * `good` has been through its probation; `trial` is in it, with the starts that did not end in good order; `rejected` made health worse
 * and are not tried again, or did not start and are tried again when a person starts the server.
 */
export type ConfigurationVersions = z.infer<typeof shape>;

export const noVersions: ConfigurationVersions = { good: null, trial: null, rejected: [] };

/** A name for a configuration: the same values have the same, in whatever order and from whatever source they come. */
export const versionOf = (config: Config): string => digestOf(config);

/** The same for any JSON value. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, 12);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

export const versionsFile = (dataDir: string) => join(dataDir, 'configurations.json');

/**
 * What the data folder knows of earlier configurations; nothing when there is no such file yet.
 * @throws Error when the file cannot be read or is not such a file, as after an update that dropped a key.
 */
export function readVersions(dataDir: string): ConfigurationVersions {
  let text: string;
  try {
    text = readFileSync(versionsFile(dataDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return noVersions;
    throw error;
  }
  const versions = shape.parse(JSON.parse(text));
  // An update may have added keys, which have their defaults.
  if (versions.good !== null) versions.good.version = versionOf(versions.good.config);
  return versions;
}

/** With one more that is not tried again; the oldest are forgotten. */
export function withRejected(
  versions: ConfigurationVersions,
  rejected: ConfigurationVersions['rejected'][number],
): ConfigurationVersions {
  const others = versions.rejected.filter(({ version }) => version !== rejected.version);
  return { ...versions, trial: null, rejected: [...others, rejected].slice(-rejectedMax) };
}

/** Why a configuration is not to be started with, though another would do; undefined when it may be tried. */
export function reasonAgainst(
  { rejected, trial }: ConfigurationVersions,
  version: string,
  restarted: string | undefined,
): string | undefined {
  const known = rejected.find((one) => one.version === version);
  if (known !== undefined && (known.never_started !== true || restarted !== undefined)) return known.why;
  if (trial?.version !== version) return undefined;
  if (restarted !== undefined) return `the server ended during its probation (${restarted})`;
  return trial.unclean >= uncleanMax
    ? `the server did not end in good order ${trial.unclean} times during its probation`
    : undefined;
}
