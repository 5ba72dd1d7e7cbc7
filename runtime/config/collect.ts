import { type ConfigKey, configSections, describeConfig } from './describe.js';
import { type ConfigProblem, showValue } from './error.js';
import { nearest } from './nearest.js';

export type Origin = 'default' | 'file' | 'environment' | 'flag';

/** A value as it was given, before the schema saw it. */
export interface Given {
  value: unknown;
  origin: Origin;
  /** How a person finds it: `http.port in arkalia.toml`, `ARKALIA_HTTP_PORT`, `--port`. */
  where: string;
}

export interface Collected {
  /** By path; a later source has replaced an earlier one. */
  given: Map<string, Given>;
  problems: ConfigProblem[];
}

/** Variables that begin with ARKALIA_ and are not keys: the file's name, and the switch of the long tests. */
const otherVariables = new Set(['ARKALIA_CONFIG', 'ARKALIA_TEST_LONG']);

/** Takes every key of the parsed file; unknown keys and sections that are not tables become problems. */
export function collectFile(table: Record<string, unknown>, file: string, into: Collected): void {
  const leaves = new Map(describeConfig().map((key) => [key.path, key]));
  const visit = (value: unknown, path: string): void => {
    const where = `${path} in ${file}`;
    if (leaves.has(path)) {
      into.given.set(path, { value, origin: 'file', where });
    } else if (!configSections().has(path)) {
      const known = isTable(value) ? configSections() : leaves.keys();
      into.problems.push({
        key: path,
        message: `${where}: this key is not known; the value given is ${showValue(path, value)}. Nearest known key: ${nearest(path, known)}.`,
      });
    } else if (isTable(value)) {
      for (const [name, inner] of Object.entries(value)) visit(inner, `${path}.${name}`);
    } else {
      into.problems.push({
        key: path,
        message: `${where}: must be a section, written [${path}]; the value given is ${showValue(path, value)}.`,
      });
    }
  };
  for (const [name, value] of Object.entries(table)) visit(value, name);
}

/** Takes every ARKALIA_ variable. */
export function collectEnvironment(env: Record<string, string | undefined>, into: Collected): void {
  const variables = new Map(
    describeConfig().flatMap((key) => (key.variable === undefined ? [] : [[key.variable, key] as const])),
  );
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('ARKALIA_') || otherVariables.has(name) || text === undefined) continue;
    const key = variables.get(name);
    if (key === undefined) {
      into.problems.push({ key: name, message: unknownVariable(name, text, variables.keys()) });
    } else {
      into.given.set(key.path, { value: fromText(key, text), origin: 'environment', where: name });
    }
  }
}

/** Takes values that command-line flags set, by path. */
export function collectOverrides(overrides: Record<string, unknown>, into: Collected): void {
  const known = new Set(describeConfig().map(({ path }) => path));
  for (const [path, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    if (!known.has(path)) throw new RangeError(`override of an unknown key: ${path}`);
    into.given.set(path, { value, origin: 'flag', where: `${path} on the command line` });
  }
}

function unknownVariable(name: string, text: string, known: Iterable<string>): string {
  const table = describeConfig().find(
    ({ path, variable }) => variable === undefined && `ARKALIA_${path.toUpperCase()}` === name,
  );
  if (table !== undefined) return `${name}: ${table.path} is a table and can only be set in the file.`;
  const path = name.slice('ARKALIA_'.length).toLowerCase();
  return `${name}: this variable is not known; the value given is ${showValue(path, text)}. Nearest known variable: ${nearest(name, known)}.`;
}

/** What is not of the key's type stays text, so that the schema refuses it with the value as it was given. */
function fromText(key: ConfigKey, text: string): unknown {
  const trimmed = text.trim();
  switch (key.type) {
    case 'integer':
      return /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : text;
    case 'number':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
    case 'boolean':
      if (trimmed === 'true') return true;
      return trimmed === 'false' ? false : text;
    case 'list':
      return trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim());
    default:
      return text;
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}
