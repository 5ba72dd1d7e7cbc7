import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { faultNames } from './faults.js';
import { simulate } from './simulate.js';
import { clockText } from './trace.js';
import { invariants } from './watch.js';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    hours: { type: 'string', default: '100' },
    faults: { type: 'string' },
    'at-rest': { type: 'boolean', default: false },
    folder: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(`npm run simulate -- [--seed N] [--hours H] [--faults A,B,…|none] [--at-rest] [--folder DIR] [--json FILE]
Runs the appliance in virtual time against a model of a Pi, its model servers and its clients, with faults drawn from the seed. The same
seed does the same each time. Ends with 1 when an invariant is violated.
--at-rest: no clients, no faults, default settings, a device that is left alone. --folder: an empty folder to write to, which stays.

Faults: ${faultNames.join(', ')}

Invariants:
${Object.entries(invariants)
  .map(([name, what]) => `  ${name.padEnd(15)}${what}`)
  .join('\n')}`);
  process.exit(0);
}

function refuse(problem: string): never {
  console.error(problem);
  process.exit(2);
}

const seed = Number(flags.seed);
if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31)
  refuse(`--seed must be a whole number from 0 to 2147483647, not ${flags.seed}`);
const hours = Number(flags.hours);
if (!(hours > 0 && hours <= 100_000))
  refuse(`--hours must be above 0 and at most 100000, not ${flags.hours}`);
const names = flags.faults === 'none' ? [] : flags.faults?.split(',');
const unknown = names?.find((name) => !faultNames.includes(name));
if (unknown !== undefined)
  refuse(`--faults: there is no fault ${unknown}; there are ${faultNames.join(', ')}`);

const { folder, 'at-rest': atRest } = flags;
if (atRest && names !== undefined) refuse('--at-rest has no faults');
if (folder !== undefined && !(existsSync(folder) && readdirSync(folder).length === 0))
  refuse(`--folder must be an empty folder, and ${folder} is none`);

let toldMs = performance.now();
const result = await simulate({
  seed,
  hours,
  atRest,
  folder,
  ...(names === undefined ? {} : { faults: names }),
  onProgress: (done) => {
    if (performance.now() - toldMs < 10_000) return;
    toldMs = performance.now();
    console.error(`${done} of ${hours} hours`);
  },
});
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(result, null, 1)}\n`);
const { counts, violation, factor, tookMs, digest } = result;
const answers = Object.entries(counts.answered)
  .map(([status, count]) => `${count} × ${status}`)
  .join(', ');
console.log(`seed ${seed}, ${result.hours.toFixed(1)} hours in ${(tookMs / 1000).toFixed(1)} s
${Math.round(factor).toLocaleString('en')} times faster than life by the time of the processor, ${Math.round((result.hours * 3_600_000) / tookMs).toLocaleString('en')} by the clock
${counts.steps} steps, ${counts.requests} prompts, ${counts.acknowledged} events acknowledged, ${counts.level_changes} changes of level, ${counts.restarts} restarts
answers: ${answers}; nobody answered ${counts.unanswered}; ${counts.passed_on} went on to another model server, ${counts.called_again} asked one again
digest of the trace ${digest}`);
if (violation === undefined) {
  console.log('every invariant held');
} else {
  const faults = flags.faults === undefined ? '' : ` --faults ${flags.faults}`;
  const rest = atRest ? ' --at-rest' : '';
  console.log(`
VIOLATED ${violation.invariant}: ${invariants[violation.invariant]}
at ${clockText(violation.atMs)}: ${violation.what}

what came before:
${result.tail.map((line) => `  ${line}`).join('\n')}

again: npm run simulate -- --seed ${seed} --hours ${flags.hours}${faults}${rest}`);
  process.exitCode = 1;
}
