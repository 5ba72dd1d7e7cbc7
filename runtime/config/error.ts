import { printable } from '../contracts/text.js';

export interface ConfigProblem {
  /** Key or variable at fault. */
  key: string;
  /** The whole sentence a person reads: where, what was given, what is allowed. */
  message: string;
}

/** The configuration cannot be used. Lists every problem found, not only the first. */
export class ConfigError extends Error {
  readonly code = 'config_invalid';

  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    // Names of keys and files come from outside too, so the whole message is made safe for a terminal here.
    const safe = problems.map(({ key, message }) => ({ key, message: printable(message) }));
    const head =
      safe.length === 1
        ? 'The configuration has a problem:'
        : `The configuration has ${safe.length} problems:`;
    super([head, ...safe.map(({ message }) => `  - ${message}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = safe;
  }
}

const secretName = /(^|[._])(api_?key|key|token|secret|password|passwd|code)$/i;
const secretValue = /^(ark_|sk-|Bearer )/;
const shownMax = 80;

/**
 * A value as it may be shown: secrets become `***`, long values are cut. A value is secret when the
 * name of its key says so or when it looks like a key; a password inside an address is one too, and what stands behind its `?` or `#`.
 */
export function showValue(path: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  const secret = secretName.test(path) || (typeof value === 'string' && secretValue.test(value.trim()));
  if (secret) return '"***"';
  const text = (typeof value === 'bigint' ? String(value) : JSON.stringify(maskDeep(value))) ?? String(value);
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}

/** The same value with secrets inside it replaced; for showing, never for use. */
export function maskDeep(value: unknown): unknown {
  if (typeof value === 'string') {
    if (secretValue.test(value.trim())) return '***';
    return value.replace(/\/\/[^/@\s]*@/g, '//***@').replace(/(\w:\/\/[^\s?#]*[?#]).+/g, '$1***');
  }
  if (Array.isArray(value)) return value.map(maskDeep);
  if (value !== null && typeof value === 'object' && !(value instanceof Date)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, secretName.test(name) ? '***' : maskDeep(inner)]),
    );
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}
