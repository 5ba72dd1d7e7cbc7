import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Figure, Section } from './core-section.js';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    'npm run bench:core -- [--json FILE]\nThe hot core against opossum and cockatiel, in turn, in one run. Fails for what must never be (a lost update, memory that grows), not for a missed aim.',
  );
  process.exit(0);
}

function run(part: string): Promise<Section> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL(`./core-${part}.js`, import.meta.url)), {
      execArgv: ['--expose-gc'],
    });
    child.once('message', (section) => resolve(section as Section));
    child.once('exit', (code) => reject(new Error(`core-${part} ended with ${code}`)));
  });
}

const rounded = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(value < 0.1 ? 2 : 3));

const met = ({ value, aim }: Figure) => (aim === undefined ? '' : value <= aim ? 'yes' : 'no');

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
const sections: Section[] = [];
for (const part of ['breaker', 'call', 'threads', 'scoring', 'memory']) {
  const section = await run(part);
  sections.push(section);
  console.log(`\n${section.title}\n${section.notes.map((note) => `  ${note}`).join('\n')}`);
  console.table(
    Object.fromEntries(
      section.figures.map((figure) => [
        figure.what,
        { value: rounded(figure.value), unit: figure.unit, 'at most': figure.aim ?? '', met: met(figure) },
      ]),
    ),
  );
}
if (flags.json !== undefined) {
  writeFileSync(flags.json, `${JSON.stringify({ node: process.version, sections }, null, 2)}\n`);
}
for (const fault of sections.flatMap((section) => section.faults)) {
  console.error(fault);
  process.exitCode = 1;
}
