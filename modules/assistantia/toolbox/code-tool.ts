import { z } from 'zod';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { ScriptOutcome } from '../../../runtime/contracts/sandbox.js';
import type { ToolGrant } from '../../../runtime/contracts/tools.js';
import { statusSummary } from './summary.js';
import type { Passages, Tool, ToolOutput } from './tool.js';

const CODE_CHARS_MAX = 20_000;

const input = z.looseObject({ code: z.string().min(1).max(CODE_CHARS_MAX) });

const about: Record<ToolGrant, string> = {
  calculator: '',
  clock: ' clock() gives { iso, unix_ms, time_zone }, and there is Date.',
  status:
    ' status() gives the state of this device: level, uptime_ms, device { cpu, ram, disk, temperature_c }, engines, ledger.',
  documents: ' await search("words") gives passages of its documentation: [{ source, title, text }].',
  http: ' await httpGet("https://…") gives { status, type, text } from a listed host.',
};

/** One tool for all that is granted: a program that the model writes. */
export function codeTool(context: ModuleContext, granted: readonly ToolGrant[], passages: Passages): Tool {
  const { tools } = context.config;
  const has = (grant: ToolGrant) => granted.includes(grant);
  return {
    offer: {
      name: 'run_javascript',
      description: `Runs JavaScript without network, files, modules or timers, and gives back the value of the expression, or what is returned; console.log prints.${granted.map((grant) => about[grant]).join('')}`,
      parameters: {
        type: 'object',
        properties: {
          code: { type: 'string', description: 'An expression, or the body of an async function' },
        },
        required: ['code'],
      },
    },
    async run(args, { signal, timeoutMs }): Promise<ToolOutput> {
      const read = input.safeParse(args);
      if (!read.success) return { outcome: 'bad_arguments', text: 'Give { "code": "…" }.', calls: 0 };
      let calls = 0;
      const outcome = await context.prompts.runScript(
        {
          code: read.data.code,
          facts: {
            ...(has('clock') ? { clock: JSON.stringify(clock(context)) } : {}),
            ...(has('status') ? { status: JSON.stringify(statusSummary(context)) } : {}),
          },
          functions: [...(has('documents') ? ['search'] : []), ...(has('http') ? ['httpGet'] : [])],
          date: has('clock'),
          fuel: tools.fuel,
          memoryBytes: tools.script_memory_bytes,
          callsMax: tools.calls_max,
          outputCharsMax: tools.output_chars_max,
        },
        {
          timeoutMs: Math.min(timeoutMs, tools.script_ms),
          signal,
          call: async (name, json, ending) => {
            calls += 1;
            const [first] = JSON.parse(json) as unknown[];
            if (typeof first !== 'string') throw new Error(`${name} takes a text`);
            const given = name === 'search' ? passages(first) : await context.outgoing.get(first, ending);
            return JSON.stringify(given);
          },
        },
      );
      return { ...worded(outcome), calls };
    },
  };
}

function clock({ clock: { wallMs } }: ModuleContext): Record<string, unknown> {
  const ms = wallMs();
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { iso: new Date(ms).toISOString(), unix_ms: ms, time_zone: timeZone };
}

function worded(outcome: ScriptOutcome): Pick<ToolOutput, 'outcome' | 'text'> {
  const printed = outcome.log === '' ? '' : `Printed:\n${outcome.log}`;
  if (!('fault' in outcome)) return { outcome: 'ok', text: printed + outcome.value };
  return { outcome: outcome.fault, text: `${printed}Failed (${outcome.fault}): ${outcome.message}` };
}
