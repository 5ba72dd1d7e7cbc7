import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { normalise } from '../../runtime/guard/normalise.js';
import { PromptRules } from '../../runtime/guard/prompt.js';
import { rules } from '../../runtime/guard/rules/index.js';
import { guardForTests } from '../../runtime/guard/testing/guard.js';
import { readRows } from '../../runtime/guard/training/rows.js';

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    rivals: { type: 'string' },
    rounds: { type: 'string', default: '40' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    'npm run bench:guard -- [--data DIR] [--rivals DIR] [--rounds 40]\nMicroseconds of the guard for prompts of 500 characters and documents of 32 KB.\n--data: prompts from there instead of a few of ours. --rivals: a folder where @andersmyrmel/vard is installed.',
  );
  process.exit(0);
}
const rounds = Number(flags.rounds);
if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 10_000)) {
  console.error(`--rounds must be 1 to 10000, not ${flags.rounds}`);
  process.exit(1);
}

const sentences = [
  'Explain to me how a heat pump works and what it costs in a year. ',
  'Réécris cette lettre dans un style plus simple, sans changer le sens. ',
  'The password of my router is lost; which instructions do I follow to reset it? ',
  'Give three examples, then compare them in a table with two columns. ',
  "J'ai oublié de répondre à mon propriétaire, que dois-je lui écrire ? ",
];
const made = sentences.map((_, first) =>
  Array.from({ length: 12 }, (_, index) => sentences[(first + index * (first + 1)) % sentences.length])
    .join('')
    .slice(0, 500),
);
const prompts =
  flags.data === undefined
    ? made
    : readRows(flags.data)
        .map(({ text }) => text)
        .filter((text) => text.length >= 450)
        .map((text) => text.slice(0, 500))
        .slice(0, 400);
const documents = prompts.slice(0, 20).map((text) => `${text}\n\n`.repeat(70).slice(0, 32_768));

interface Times {
  median: number;
  p99: number;
}

/** Microseconds of a call, each text `times` times, after as many to warm up. */
function time(texts: readonly string[], call: (text: string) => unknown, times: number): Times {
  const taken: number[] = [];
  for (let round = -times; round < times; round++) {
    for (const text of texts) {
      const start = process.hrtime.bigint();
      call(text);
      const end = process.hrtime.bigint();
      if (round >= 0) taken.push(Number(end - start) / 1000);
    }
  }
  taken.sort((a, b) => a - b);
  const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0;
  return { median: at(0.5), p99: at(0.99) };
}

function print(name: string, { median, p99 }: Times): void {
  console.log(
    `${name.padEnd(44)} median ${median.toFixed(1).padStart(9)} µs   p99 ${p99.toFixed(1).padStart(9)} µs`,
  );
}

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}; ${prompts.length} prompts`);
const guard = guardForTests();
const ruleSet = new PromptRules(rules);
const options = { known: ruleSet.knows };
const whole = time(prompts, (text) => guard.checkPrompt(text), rounds);
print('guard, prompt of 500 characters', whole);
print(
  '  of which: readings',
  time(prompts, (text) => normalise(text, options), rounds),
);
print(
  '  of which: readings and rules',
  time(prompts, (text) => ruleSet.check(text), rounds),
);
const few = Math.max(1, Math.round(rounds / 10));
print(
  'guard, document of 32 KB',
  time(documents, (text) => guard.checkPrompt(text, { mode: 'document' }), few),
);
if (flags.rivals !== undefined) await rivals(flags.rivals, whole);

/** The same prompts through what others offer, as far as it is installed. */
async function rivals(folder: string, ours: Times): Promise<void> {
  const url = pathToFileURL(join(resolve(folder), 'node_modules/@andersmyrmel/vard/dist/index.js')).href;
  const { createVard } = (await import(url)) as {
    createVard: () => { safeParse: (text: string) => unknown };
  };
  const theirs = createVard();
  const taken = time(prompts, (text) => theirs.safeParse(text), rounds);
  print('@andersmyrmel/vard', taken);
  console.log(`vard takes ${(taken.median / ours.median).toFixed(2)} times as long`);
}
