import type { Guard } from '../contracts/guard.js';
import { PromptRuns } from './leak.js';
import { AnswerWatcher, outputRules } from './output.js';
import { PromptRules } from './prompt.js';
import { rules } from './rules/index.js';

/** System prompts whose runs are kept; a configuration has one. */
const PROMPTS_MAX = 8;

/**
 * The guard: judges prompts by rules and watches answers. It judges and the caller enforces; only the watcher of an
 * answer acts, since it holds the text. Compiling the rules takes a few milliseconds, so one guard serves a process.
 */
export function createGuard(): Guard {
  const prompts = new PromptRules(rules);
  const runsOf = new Map<string, PromptRuns>();
  return {
    checkPrompt: (text) => prompts.check(text),
    watchOutput({ systemPrompt, observe = false }) {
      return new AnswerWatcher({
        runs: systemPrompt === undefined ? undefined : runs(systemPrompt),
        observe,
      });
    },
    rules: () => [...rules.map(({ id }) => id), ...outputRules],
  };

  function runs(systemPrompt: string): PromptRuns {
    const known = runsOf.get(systemPrompt);
    if (known !== undefined) return known;
    const made = new PromptRuns(systemPrompt);
    const oldest = runsOf.keys().next();
    if (runsOf.size >= PROMPTS_MAX && oldest.done !== true) runsOf.delete(oldest.value);
    runsOf.set(systemPrompt, made);
    return made;
  }
}
