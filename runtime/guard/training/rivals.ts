import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A detector from npm: whether it takes a text for an attack. */
export interface Rival {
  name: string;
  finds(text: string): boolean | Promise<boolean>;
}

interface Packages {
  '@andersmyrmel/vard': { createVard(): { safeParse(text: string): { safe: boolean } } };
  llm_guardrail: Record<
    'checkInjection' | 'checkJailbreak',
    (text: string) => Promise<{ detected: boolean }>
  >;
  'llm-guard': {
    LLMGuard: new (
      options: object,
    ) => { validate(text: string): Promise<{ results: { details?: { rule: string }[] }[] }> };
  };
}

/** Where each package's entry lies. */
const entries = {
  '@andersmyrmel/vard': 'dist/index.js',
  llm_guardrail: 'index.js',
  'llm-guard': 'dist/index.js',
} as const;

/**
 * The offline detectors that npm offers, each as its documentation uses it, from a folder where they are installed: `npm install --prefix
 * DIR @andersmyrmel/vard llm_guardrail llm-guard`. They are no dependencies of ours, since training reads what is installed.
 */
export async function loadRivals(folder: string): Promise<Rival[]> {
  const load = async <Name extends keyof Packages>(name: Name): Promise<Packages[Name]> =>
    import(pathToFileURL(join(resolve(folder), 'node_modules', name, entries[name])).href);
  const vard = (await load('@andersmyrmel/vard')).createVard();
  const { checkInjection, checkJailbreak } = await load('llm_guardrail');
  const { LLMGuard } = await load('llm-guard');
  const guard = new LLMGuard({ promptInjection: true, jailbreak: true });
  return [
    { name: '@andersmyrmel/vard', finds: (text) => !vard.safeParse(text).safe },
    {
      name: 'llm_guardrail',
      finds: async (text) => (await checkInjection(text)).detected || (await checkJailbreak(text)).detected,
    },
    {
      name: 'llm-guard',
      // Its other guards run too: a text of fewer than three words is not relevant to it.
      finds: async (text) =>
        (await guard.validate(text)).results.some(({ details = [] }) =>
          details.some(({ rule }) => /injection|jailbreak/.test(rule)),
        ),
    },
  ];
}
