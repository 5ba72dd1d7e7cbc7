import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { faultKinds } from './recovery/kinds/all.js';
import { type Row, runKind } from './recovery/run-kind.js';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    `npm run bench:recovery -- [--rounds 10] [--seed 1] [--only TEXT] [--json FILE]
Breaks real servers in each of these ways and times how they come back; --only takes those whose name holds the text. Fails when a round is
neither recovered nor escalated to an incident.

${faultKinds.map(({ name, about }) => `  ${name}: ${about}`).join('\n')}`,
  );
  process.exit(0);
}
const rounds = Number(flags.rounds);
const seed = Number(flags.seed);
if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000)) {
  console.error(`--rounds must be 1 to 1000, not ${flags.rounds}`);
  process.exit(1);
}
if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)) {
  console.error(`--seed must be an integer from 0 to 2147483647, not ${flags.seed}`);
  process.exit(1);
}
const kinds = faultKinds.filter(({ name }) => name.includes(flags.only ?? ''));
if (kinds.length === 0) {
  console.error(`--only ${flags.only}: there is no such kind; --help lists them`);
  process.exit(1);
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
console.log(`${kinds.length} kinds of faults, ${rounds} rounds each, seeds ${seed} to ${seed + rounds - 1}`);
const rows: Row[] = [];
for (const kind of kinds) {
  const row = await runKind(kind, { rounds, seed, onRound: (line) => console.log(line) });
  if (row.missing !== null) console.log(`${kind.name}: NOT TRIED, it ${row.missing}`);
  rows.push(row);
}

const ms = (value: number | null) => (value === null ? '' : Math.round(value));
console.table(
  rows.map((row) => ({
    kind: row.kind,
    rounds: row.rounds,
    recovered: row.recovered,
    escalated: row.escalated,
    'mean ms since the fault': ms(row.sinceFaultMs),
    'since it could be known': ms(row.sinceKnownMs),
    longest: ms(row.longestMs),
  })),
);
for (const row of rows) {
  if (row.waitsFor !== null) console.log(`${row.kind} waits for ${row.waitsFor}.`);
  if (row.incidents.length > 0) console.log(`${row.kind}: incidents ${row.incidents.join(', ')}`);
}
const own = rows.filter((row) => row.waitsFor === null && row.sinceKnownMs !== null);
if (own.length > 0) {
  const all = own.reduce((sum, row) => sum + row.sinceKnownMs!, 0) / own.length;
  console.log(`Mean of the kinds that wait for nothing else: ${Math.round(all)} ms since it could be known.`);
}
if (flags.json !== undefined)
  writeFileSync(flags.json, `${JSON.stringify({ node: process.version, rounds, seed, rows }, null, 2)}\n`);
const failures = rows.flatMap((row) => row.failures);
if (failures.length > 0) {
  console.error(`\n${failures.join('\n')}`);
  process.exitCode = 1;
}
