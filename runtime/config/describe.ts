import { strict as assert } from 'node:assert';
import { z } from 'zod';
import type { JsonValue } from '../contracts/json.js';
import { configSchema } from './schema.js';

export interface ConfigKey {
  /** Dotted path, such as `engines.openai.url`. */
  path: string;
  /** Environment variable that sets it; absent for a table, which only the file can hold. */
  variable?: string;
  type: 'text' | 'integer' | 'number' | 'boolean' | 'list' | 'table';
  /** Values that are allowed, of the key or of each item of a list; beside the numbers, where it is one. */
  choices?: string[];
  min?: number;
  max?: number;
  /** Absent when the key is unset unless given. */
  default?: JsonValue;
  description: string;
  /** Type and bounds in words, such as `a whole number from 0 to 65535`. */
  allowed: string;
}

type Node = z.core.JSONSchema.JSONSchema;

/** Every key of the configuration, in the order of the schema. Derived from the schema, so nothing is said twice. */
export function describeConfig(): readonly ConfigKey[] {
  return keys;
}

/** Every section of the configuration, such as `engines.openai`. */
export function configSections(): ReadonlySet<string> {
  return sections;
}

const sections = new Set<string>();
const keys = collectKeys();

function collectKeys(): ConfigKey[] {
  const found: ConfigKey[] = [];
  walk(z.toJSONSchema(configSchema, { io: 'input' }), '', found);
  const variables = new Map<string, string>();
  for (const { path, variable } of found) {
    if (variable === undefined) continue;
    assert(!variables.has(variable), `${variable} would set both ${variables.get(variable)} and ${path}`);
    variables.set(variable, path);
  }
  return found;
}

function walk(node: Node, path: string, found: ConfigKey[]): void {
  if (node.properties === undefined) {
    found.push(describeLeaf(flattened(node), path));
    return;
  }
  if (path !== '') sections.add(path);
  for (const [name, child] of Object.entries(node.properties)) {
    assert(typeof child === 'object', `${name} has no schema`);
    walk(child, path === '' ? name : `${path}.${name}`, found);
  }
}

/** A union of a number and words: the number, with the words as what it may be besides. */
function flattened(node: Node): Node {
  const [number, ...words] = node.anyOf ?? [];
  if (number === undefined) return node;
  assert(typeof number === 'object', 'a union begins with its number');
  const besides = words.map((word) => (typeof word === 'object' ? word.const : undefined));
  assert(
    besides.every((word) => typeof word === 'string'),
    'the rest of a union are words',
  );
  return { ...number, enum: besides, description: node.description, default: node.default };
}

function describeLeaf(node: Node, path: string): ConfigKey {
  const type = leafType(node, path);
  const item =
    type === 'list' && typeof node.items === 'object' && !Array.isArray(node.items) ? node.items : node;
  assert(node.description, `${path} has no description`);
  const key: ConfigKey = { path, type, description: node.description, allowed: '' };
  if (type !== 'table') key.variable = `ARKALIA_${path.replaceAll('.', '_').toUpperCase()}`;
  if (item.enum !== undefined) key.choices = item.enum.map(String);
  if (node.minimum !== undefined) key.min = node.minimum;
  if (node.maximum !== undefined) key.max = node.maximum;
  if (node.default !== undefined) key.default = node.default as JsonValue;
  key.allowed = allowedText(key);
  return key;
}

function leafType(node: Node, path: string): ConfigKey['type'] {
  switch (node.type) {
    case 'string':
      return 'text';
    case 'array':
      return 'list';
    case 'object':
      return 'table';
    case 'integer':
    case 'number':
    case 'boolean':
      return node.type;
    default:
      throw new Error(`${path} has a type that the configuration cannot describe: ${String(node.type)}`);
  }
}

function allowedText(key: ConfigKey): string {
  const choices = key.choices?.join(', ');
  switch (key.type) {
    case 'text':
      return choices === undefined ? 'text' : `one of: ${choices}`;
    case 'list':
      return choices === undefined ? 'a list of texts' : `a list of: ${choices}`;
    case 'table':
      return 'a table of lists';
    case 'boolean':
      return 'true or false';
    default: {
      const noun = key.type === 'integer' ? 'a whole number' : 'a number';
      const range = `${noun} from ${key.min ?? 'any'} to ${key.max ?? 'any'}`;
      return choices === undefined ? range : `${range}, or ${choices}`;
    }
  }
}
