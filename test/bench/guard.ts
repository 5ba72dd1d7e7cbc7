import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { normalise } from '../../runtime/guard/normalise.js';
import { PromptRules } from '../../runtime/guard/prompt.js';
import { rules } from '../../runtime/guard/rules/index.js';
import { guardForTests } from '../../runtime/guard/testing/guard.js';
import { loadRivals } from '../../runtime/guard/training/rivals.js';
import { readRows } from '../../runtime/guard/training/rows.js';

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    rivals: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    'npm run bench:guard -- [--data DIR] [--rivals DIR] [--rounds N] [--json FILE]\nMicroseconds of the guard for prompts of 500 characters and documents of 32 KB.\n--data: prompts from there instead of a few of ours. --rivals: a folder where @andersmyrmel/vard, llm_guardrail and llm-guard are installed.\n--rounds: how often each prompt is judged, after as often to warm up; by default so that 16,000 judgements are measured.',
  );
  process.exit(0);
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
const PROMPTS = 400;
const CALLS = 16_000;
const DOCUMENT_CALLS = 80;
/** Pieces of an answer that an engine of a Pi gives in a second: for the delay that holding text back adds. */
const PIECES_A_SECOND = 10;
/** Of all rows that are long enough, evenly, as a text arrives: its characters in one piece. */
function promptsOf(folder: string): string[] {
  const long = readRows(folder)
    .map(({ text }) => text)
    .filter((text) => text.length >= 450)
    .map((text) => Buffer.from(text.slice(0, 500)).toString());
  const step = Math.max(1, Math.floor(long.length / PROMPTS));
  return long.filter((_, index) => index % step === 0).slice(0, PROMPTS);
}
const prompts = flags.data === undefined ? made : promptsOf(flags.data);
const rounds = Number(flags.rounds ?? Math.ceil(CALLS / prompts.length));
if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 10_000)) {
  console.error(`--rounds must be 1 to 10000, not ${flags.rounds}`);
  process.exit(1);
}
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
  return timesOf(taken);
}

function timesOf(taken: number[]): Times {
  taken.sort((a, b) => a - b);
  const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0;
  return { median: at(0.5), p99: at(0.99) };
}

const figures: Record<string, unknown> = {};
function print(name: string, { median, p99 }: Times): void {
  figures[name.trim()] = { median_us: median, p99_us: p99 };
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
const few = Math.ceil(DOCUMENT_CALLS / documents.length);
print(
  'guard, document of 32 KB, in one thread',
  time(documents, (text) => guard.checkPrompt(text, { mode: 'document' }), few),
);
await apart();
await streams();
if (flags.rivals !== undefined) await rivals(flags.rivals, whole);
if (flags.json !== undefined) {
  writeFileSync(
    flags.json,
    `${JSON.stringify({ node: process.version, prompts: prompts.length, figures }, null, 2)}\n`,
  );
}

/** The same documents in the thread of their own, one after the other. */
async function apart(): Promise<void> {
  const taken: number[] = [];
  for (let round = -1; round < few; round++) {
    for (const text of documents) {
      const start = process.hrtime.bigint();
      await guard.detect(text, { mode: 'document' });
      const end = process.hrtime.bigint();
      if (round >= 0) taken.push(Number(end - start) / 1000);
    }
  }
  print('guard, document of 32 KB, off this thread', timesOf(taken));
}

/** For answers that come in pieces of four characters: what is held back, and how much later than it came a character goes out. */
async function streams(): Promise<void> {
  const answers = prompts.slice(0, 100);
  let held = 0;
  let most = 0;
  let pieces = 0;
  let waiting = 0;
  let characters = 0;
  /** Of each character, in pieces. */
  let delayed = 0;
  let delayedMost = 0;
  const began = process.hrtime.bigint();
  for (const answer of answers) {
    const watch = guard.watchOutput({
      systemPrompt: 'You are the assistant of a small local appliance in the attic.',
    });
    let since = 0;
    for (let at = 0; at < answer.length; at += 4) {
      watch.push(answer.slice(at, at + 4));
      const { count } = watch.held();
      pieces++;
      held += count;
      most = Math.max(most, count);
      // What is held now goes out with the next piece at the earliest.
      delayed += count;
      since = count > 0 ? since + 1 : 0;
      delayedMost = Math.max(delayedMost, since);
      if (count > 0) waiting++;
    }
    characters += answer.length;
    watch.finish();
  }
  const tookUs = Number(process.hrtime.bigint() - began) / 1000;
  figures.streams = { us_a_piece: tookUs / pieces, held_mean: held / pieces, held_most: most };
  const milliseconds = (count: number) => ((1000 * count) / PIECES_A_SECOND).toFixed(1);
  console.log(
    `answers in pieces of 4 characters: ${(tookUs / pieces).toFixed(2)} µs a piece; held after a piece ${(held / pieces).toFixed(2)} characters in the mean, at most ${most}; nothing held after ${(100 - (100 * waiting) / pieces).toFixed(1)} % of the pieces`,
  );
  console.log(
    `  added delay of a character: ${(delayed / characters).toFixed(3)} pieces in the mean, at most ${delayedMost}: ${milliseconds(delayed / characters)} ms and ${milliseconds(delayedMost)} ms at ${PIECES_A_SECOND} pieces a second`,
  );
}

/** The same prompts through what others offer. */
async function rivals(folder: string, ours: Times): Promise<void> {
  for (const { name, finds } of await loadRivals(folder)) {
    const taken: number[] = [];
    for (let round = -1; round < few; round++) {
      for (const text of prompts) {
        const start = process.hrtime.bigint();
        await finds(text);
        const end = process.hrtime.bigint();
        if (round >= 0) taken.push(Number(end - start) / 1000);
      }
    }
    const theirs = timesOf(taken);
    print(name, theirs);
    console.log(`  takes ${(theirs.median / ours.median).toFixed(2)} times as long`);
  }
}
await guard.close();
