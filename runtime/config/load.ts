import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import {
  type Collected,
  collectEnvironment,
  collectFile,
  collectOverrides,
  type Given,
  type Origin,
} from './collect.js';
import { crossCheck } from './cross-checks.js';
import { describeConfig } from './describe.js';
import { ConfigError, showValue } from './error.js';
import { type Config, configSchema } from './schema.js';

/** Where each key's value comes from, by dotted path. */
type Origins = Readonly<Record<string, Origin>>;

export interface LoadedConfig {
  config: Config;
  origins: Origins;
  /** The file that was read, when there was one. */
  file?: string;
}

export interface LoadOptions {
  /** Must exist. Unset: ARKALIA_CONFIG, else ./arkalia.toml if it exists. */
  file?: string | undefined;
  env: Record<string, string | undefined>;
  /** Values of command-line flags by dotted path; undefined ones are ignored. */
  overrides?: Record<string, unknown>;
}

const fileBytesMax = 1_048_576;
const defaultFile = 'arkalia.toml';

/**
 * Reads the configuration: flags over environment over file over defaults.
 * @throws ConfigError listing every problem found.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const collected: Collected = { given: new Map(), problems: [] };
  const file = readFile(options, collected);
  collectEnvironment(options.env, collected);
  collectOverrides(options.overrides ?? {}, collected);
  const config = validate(collected);
  if (config === undefined || collected.problems.length > 0) throw new ConfigError(collected.problems);
  const origins = Object.fromEntries(
    describeConfig().map(({ path }) => [path, collected.given.get(path)?.origin ?? 'default']),
  );
  return { config, origins, ...(file === undefined ? {} : { file }) };
}

function readFile(options: LoadOptions, into: Collected): string | undefined {
  const named = options.file ?? (options.env.ARKALIA_CONFIG || undefined);
  const file = named ?? defaultFile;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (named === undefined && code === 'ENOENT') return undefined;
    const source = options.file === undefined && named !== undefined ? 'ARKALIA_CONFIG: ' : '';
    const why =
      code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'unknown fault'})`;
    into.problems.push({ key: file, message: `${source}${showValue('', file)}: ${why}.` });
    return undefined;
  }
  if (text.length > fileBytesMax) {
    into.problems.push({ key: file, message: `${file}: longer than ${fileBytesMax} characters.` });
    return file;
  }
  try {
    collectFile(parse(text), file, into);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line only: what follows quotes the file, and the file may hold a secret.
    const fault = error.message.split('\n')[0];
    into.problems.push({
      key: file,
      message: `${file}, line ${error.line}, column ${error.column}: ${fault}`,
    });
  }
  return file;
}

/** The configuration that the given values make; faults become problems, and what is sound is still cross-checked. */
function validate(collected: Collected): Config | undefined {
  const { given, problems } = collected;
  const bad = new Set<string>();
  const report = (path: string, message: string): void => {
    bad.add(path);
    problems.push({ key: path, message: `${given.get(path)?.where ?? path}: ${message}` });
  };

  for (const { path, type, default: fallback } of describeConfig()) {
    if (type === 'text' && fallback === undefined && given.get(path)?.value === '') {
      report(path, 'is empty; give it a value or leave it out.');
    }
  }
  const first = configSchema.safeParse(nest(given, bad));
  for (const issue of first.success ? [] : first.error.issues) {
    const path = leafOf(issue.path);
    const fault = describeIssue(issue, path, given.get(path));
    if (bad.has(path) && problems.some(({ message }) => message.endsWith(fault))) continue;
    report(path, fault);
  }
  const sound = bad.size === 0 ? first : configSchema.safeParse(nest(given, bad));
  if (!sound.success) return undefined;
  const crossed = crossCheck(sound.data).filter(({ paths }) => !paths.some((path) => bad.has(path)));
  for (const { paths, message } of crossed) report(paths[0], message);
  return sound.data;
}

function nest(given: ReadonlyMap<string, Given>, without: ReadonlySet<string>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, { value }] of given) {
    if (without.has(path)) continue;
    const parts = path.split('.');
    const last = parts.pop() as string;
    let table = root;
    for (const part of parts) {
      table[part] ??= {};
      table = table[part] as Record<string, unknown>;
    }
    table[last] = value;
  }
  return root;
}

function leafOf(issuePath: readonly PropertyKey[]): string {
  const dotted = issuePath.map(String).join('.');
  const leaf = describeConfig().find(({ path }) => dotted === path || dotted.startsWith(`${path}.`));
  if (leaf === undefined) throw new Error(`the schema refused ${dotted}, which is no key`);
  return leaf.path;
}

function describeIssue(issue: z.core.$ZodIssue, path: string, given: Given | undefined): string {
  const key = describeConfig().find((candidate) => candidate.path === path);
  const value = `the value given is ${showValue(path, given?.value)}`;
  if (issue.code === 'custom') return `${issue.message}; ${value}.`;
  if (key?.type === 'table') {
    return `names are lower-case letters, digits, dots, dashes and underscores, each with a list of at least one text; ${value}.`;
  }
  if (issue.code === 'too_small' && key?.type === 'text') return `must not be empty; ${value}.`;
  if (issue.code === 'too_big' && key?.type === 'text') {
    return `must have at most ${issue.maximum} characters; ${value}.`;
  }
  return `must be ${key?.allowed}; ${value}.`;
}
