import type { NavigatorTopic } from '../../../../runtime/contracts/sandbox.js';
import { facts, type Topic } from './topic.js';

const SHOWN_MAX = 6;
/** Names of values that are not for everyone who may ask: keys and secrets, their files, and the system prompt. */
const SECRET = /(^|[._])(key|keys|secret|password|passphrase|token|prompt)([._]|$)/;

type Leaf = readonly [path: string, value: unknown];

function leavesOf(value: unknown, path: string): Leaf[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, path === '' ? name : `${path}.${name}`),
  );
}

const text = (value: unknown): string => (Array.isArray(value) ? value.join(', ') || '[]' : String(value));

function told([path, value]: Leaf): NavigatorTopic {
  const about = SECRET.test(path) ? { hidden: true } : { value: text(value) };
  return { id: 'config', facts: facts({ key: path, ...about }), source: `configuration key ${path}` };
}

/** Keys that the words name: whole (`http.port`), by a section (`reflexia`), or by their last part (`port`, `interval_ms`). */
function asked(leaves: readonly Leaf[], words: readonly string[]): readonly Leaf[] {
  const exact = leaves.filter(([path]) => words.includes(path));
  if (exact.length > 0) return exact;
  const ending = leaves.filter(([path]) => words.some((word) => path.endsWith(`.${word}`)));
  const within = leaves.filter(([path]) => words.some((word) => path.startsWith(`${word}.`)));
  const both = ending.filter((leaf) => within.includes(leaf));
  return [both, ending, within].find((found) => found.length > 0) ?? [];
}

/** A word such as `engines.ollama.url` that starts as our keys do but names nothing: unset, or unknown. */
function unset(leaves: readonly Leaf[], words: readonly string[]): string | undefined {
  const sections = new Set(leaves.map(([path]) => path.split('.')[0]));
  const names = (word: string) => leaves.some(([path]) => path === word || path.startsWith(`${word}.`));
  return words.find((word) => word.includes('.') && sections.has(word.split('.')[0]) && !names(word));
}

/** Recognised by words about configuration, or by a word that is written as our keys are. */
export const config: Topic = {
  id: 'config',
  patterns: [
    'config*',
    'setting*',
    'parametre*',
    'reglage*',
    'port',
    'listen*',
    'ecoute*',
    'http.*',
    'log.*',
    'limits.*',
    'core.*',
    'breaker.*',
    'engines.*',
    'sandbox.*',
    'assistantia.*',
    'guard.*',
    'ledger.*',
    'reflexia.*',
    'zeroia.*',
    'modules.*',
    '*_ms',
    '*_bytes',
    '*_max',
    '*_min',
    '*_dir',
    '*_file',
    '*_prompt',
    '*_rate',
    '*_per_second',
    '*_per_minute',
  ],
  source: 'arkalia config',
  gather(context, question) {
    const leaves = leavesOf(context.config, '');
    const words = question.split(' ');
    const missing = unset(leaves, words);
    const found = missing === undefined ? asked(leaves, words) : [];
    if (found.length === 0)
      return [{ id: 'config', facts: facts({ key: missing }), source: 'arkalia config' }];
    const shown = found.slice(0, SHOWN_MAX).map(told);
    const more = found.length - shown.length;
    return more === 0 ? shown : [...shown, { id: 'config', facts: { more }, source: 'arkalia config' }];
  },
};
