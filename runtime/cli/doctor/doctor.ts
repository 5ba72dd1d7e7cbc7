import { ConfigError } from '../../config/error.js';
import { systemClock } from '../../contracts/clock.js';
import { printable } from '../../contracts/text.js';
import { type CliIo, exitCodes } from '../io.js';
import { type ConfigFlags, loadFromFlags } from '../settings.js';
import { clockCheck } from './clock.js';
import { compiledCheck } from './compiled.js';
import { configurationCheck } from './configuration.js';
import { dataFolderCheck } from './data-folder.js';
import { diskCheck } from './disk.js';
import type { Check, DoctorContext, Finding } from './finding.js';
import { llamaCheck } from './llama.js';
import { memoryCheck } from './memory.js';
import { nodeCheck } from './node.js';
import { sandboxCheck } from './sandbox.js';
import { sqliteCheck } from './sqlite.js';
import { wasmCheck } from './wasm.js';

export interface DoctorFlags extends ConfigFlags {
  json?: boolean;
}

const checks: readonly Check[] = [
  nodeCheck,
  configurationCheck,
  compiledCheck,
  sqliteCheck,
  llamaCheck,
  wasmCheck,
  dataFolderCheck,
  diskCheck,
  memoryCheck,
  clockCheck,
  sandboxCheck,
];

/** Longest that one check may take; the sandbox's own start and the native library's are within it. */
const checkMsMax = 45_000;

type DoctorParts = Pick<DoctorContext, 'load' | 'clock'>;

const realParts: DoctorParts = { load: (specifier) => import(specifier), clock: systemClock };

/** Looks at everything, prints a line for each finding, and fails when one is fatal. */
export async function doctor(flags: DoctorFlags, io: CliIo, parts: DoctorParts = realParts): Promise<number> {
  const context: DoctorContext = { ...parts, config: tryConfig(flags, io) };
  const findings: Finding[] = [];
  for (const check of checks) {
    const found = await runCheck(check, context);
    findings.push(...found);
    if (!flags.json) for (const finding of found) io.out(render(finding));
  }
  const fatal = findings.filter(({ level }) => level === 'fatal').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  if (flags.json) io.out(`${JSON.stringify({ ok: fatal === 0, findings }, null, 2)}\n`);
  else io.out(`\n${summary(fatal, warnings)}\n`);
  return fatal === 0 ? exitCodes.ok : exitCodes.failed;
}

function tryConfig(flags: DoctorFlags, io: CliIo): DoctorContext['config'] {
  try {
    return { ok: true, loaded: loadFromFlags(flags, io) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, problem: error.problems.map(({ message }) => message).join(' ') };
  }
}

/** A check that itself fails is a finding too: what could not be looked at may be what is broken. */
async function runCheck(check: Check, context: DoctorContext): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${checkMsMax / 1000} s`)), checkMsMax);
  });
  try {
    return await Promise.race([check.run(context), tooLong]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const found = `this check failed: ${printable(message)}`;
    return [
      {
        check: check.name,
        level: 'fatal',
        found,
        todo: 'The message names the cause; npm ci mends a broken installation.',
      },
    ];
  } finally {
    clearTimeout(timer);
  }
}

function render({ check, level, found, todo }: Finding): string {
  const line = `${level.padEnd(8)} ${check.padEnd(15)} ${printable(found)}\n`;
  return todo === undefined ? line : `${line}${' '.repeat(25)}-> ${printable(todo)}\n`;
}

function summary(fatal: number, warnings: number): string {
  if (fatal > 0) return `${fatal} fatal: Arkalia cannot run like this.`;
  return warnings > 0 ? `Arkalia can run; ${warnings} to look at.` : 'All is well.';
}
