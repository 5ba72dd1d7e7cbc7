import { join } from 'node:path';
import { configSchema } from '../../config/schema.js';
import type { EscapeOutcome } from '../../contracts/escape.js';
import type { EngineView, SandboxStatus } from '../../contracts/sandbox.js';
import { printable } from '../../contracts/text.js';
import type { Check, DoctorContext, Finding } from './finding.js';

/** Starts the sandbox with one worker, as the server would, and asks what it holds and which engines it finds. */
export const sandboxCheck: Check = {
  name: 'sandbox',
  run: async (context) => {
    const { createPromptRunner } = await import('../../../sandbox/index.js');
    const { sandbox, engines, models_dir } = configOf(context);
    const prompts = createPromptRunner({
      sandbox: { ...sandbox, workers: 1 },
      // Looking for a model file is enough here; loading one takes memory that a running server may need.
      engines: { ...engines, embedded: { ...engines.embedded, model_file: undefined } },
      models_dir,
      viaToken: 'doctor',
      monotonicMs: () => context.clock.monotonicMs(),
      onIncident: () => undefined,
    });
    try {
      await prompts.start();
      const { data_dir } = configOf(context);
      const files = { ledger: join(data_dir, 'ledger.sqlite'), keys: join(data_dir, 'keys.json') };
      const outcomes = await prompts.probeEscape(files, new AbortController().signal);
      return [
        levelFinding(prompts.status()),
        ...escapeFindings(prompts.status().level, outcomes),
        engineFinding(prompts.engines()),
      ];
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return [
        {
          check: 'sandbox',
          level: 'fatal',
          found: `no worker starts: ${printable(message)}`,
          todo: 'Check sandbox.require, the memory limit of this machine (ulimit -a) and sandbox.memory_bytes.',
        },
      ];
    } finally {
      await prompts.close();
    }
  },
};

function levelFinding({ level, short, holds, lacks }: SandboxStatus): Finding {
  const found = `level ${level}, ${holds.length} limits in force; not held: ${lacks.join('; ') || 'nothing'}`;
  if (short === undefined) return { check: 'sandbox', level: 'ok', found };
  const todo =
    process.platform === 'linux'
      ? 'For level strict install bubblewrap, allow user namespaces, and let other users read this program if the server is root; docs/security.md says more.'
      : 'docs/security.md says what each level needs.';
  return { check: 'sandbox', level: 'warning', found: printable(`${found}; no stronger: ${short}`), todo };
}

/** One line of what was stopped, and one of what got through or was not tried. */
function escapeFindings(level: SandboxStatus['level'], outcomes: EscapeOutcome[]): Finding[] {
  const told = (outcome: EscapeOutcome['outcome']) =>
    outcomes
      .filter((one) => one.outcome === outcome)
      .map(({ attempt, how }) => printable(`${attempt} (${how})`))
      .join(', ');
  const [stopped, open, notTried] = [told('stopped'), told('open'), told('not_tried')];
  const check = 'escape probe';
  const findings: Finding[] = [{ check, level: 'ok', found: `stopped: ${stopped || 'nothing'}` }];
  if (notTried !== '') findings.push({ check, level: 'ok', found: `not tried: ${notTried}` });
  if (open === '') return findings;
  const todo =
    level === 'process'
      ? 'The level process stops no more; level strict stops all of it.'
      : 'This level should stop it: please report it with the output of this command.';
  return [...findings, { check, level: 'warning', found: `got through: ${open}`, todo }];
}

/** The configuration in force, or the defaults where it is faulty: the sandbox can be looked at all the same. */
function configOf({ config }: DoctorContext): ReturnType<typeof configSchema.parse> {
  return config.ok ? config.loaded.config : configSchema.parse({});
}

function engineFinding(engines: EngineView[]): Finding {
  const found = engines.filter(({ state }) => state === 'found');
  const words = found.map(({ name, where, models }) => {
    const place = where === undefined ? '' : ` at ${where}`;
    const offers = models.length === 1 ? models[0] : `${models.length} models`;
    return printable(name === 'navigator' ? name : `${name}${place} (${offers})`);
  });
  if (found.some(({ name }) => name !== 'navigator')) {
    return { check: 'engines', level: 'ok', found: words.join(', ') };
  }
  return {
    check: 'engines',
    level: 'warning',
    found: `no language model${words.length === 0 ? '' : `; ${words.join(', ')} answers about the device itself`}`,
    todo: 'To add one: start Ollama (port 11434) or llama.cpp (port 8080), set engines.openai.url, or put one .gguf file into models_dir.',
  };
}
