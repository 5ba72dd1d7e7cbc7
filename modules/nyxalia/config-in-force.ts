import type { Config } from '../../runtime/contracts/module.js';

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** Names whose value would be a secret; files that hold one are named, not read. */
const secret = /(^|_)(password|secret|token|key)$/;

/** The configuration as flat keys. */
export function configInForce(config: Config): { key: string; value: Json }[] {
  return flatten(config as unknown as Json, []);
}

function flatten(value: Json, path: string[]): { key: string; value: Json }[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && path[0] !== 'aliases') {
    return Object.entries(value).flatMap(([name, inner]) => flatten(inner, [...path, name]));
  }
  if (value === undefined) return [];
  return [{ key: path.join('.'), value: secret.test(path.at(-1) ?? '') ? '•••' : value }];
}
