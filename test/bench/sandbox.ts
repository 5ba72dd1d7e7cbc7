import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createPromptRunner, type Sandbox } from '../../sandbox/index.js';
import type { SandboxLevel } from '../../sandbox/types.js';
import { levelsToTest } from '../support/levels.js';
import { answerOf, jobFor, sandboxOptions } from '../support/sandbox-options.js';
import { type Spread, spreadOf } from './chat-journey.js';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, help: { type: 'boolean', default: false } },
});
if (flags.help) {
  console.log(
    'npm run bench:sandbox -- [--rounds N]\nHow long it takes until a worker that was killed is replaced by one that is ready, for each reason to kill one, and what prompts beside it notice. Fails when a prompt beside it fails.',
  );
  process.exit(0);
}
const rounds = Number(flags.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new RangeError(`--rounds must be 1 or more, not ${flags.rounds}`);

const aimMs = 200;
/** What a prompt does to its worker; it is known to have been killed when its prompt fails. */
const faults = [
  { name: 'beyond its deadline', prompt: 'hang', timeoutMs: 300 },
  { name: 'breaks the protocol', prompt: 'noise', timeoutMs: 10_000 },
  { name: 'grows beyond its memory', prompt: 'grow', timeoutMs: 10_000 },
  { name: 'crashes', prompt: 'crash', timeoutMs: 10_000 },
] as const;

const ask = (runner: Sandbox, prompt: string, timeoutMs = 10_000) =>
  answerOf(runner, jobFor('navigator', prompt), { timeoutMs });

async function whole(runner: Sandbox): Promise<void> {
  while (runner.status().workers.idle < 2) await pause(1);
}

interface Beside {
  taken: number[];
  end(): Promise<void>;
}

/** Prompts one after the other, 5 ms between two, on the other worker. */
function besides(runner: Sandbox): Beside {
  const taken: number[] = [];
  let going = true;
  const running = (async () => {
    for (let i = 0; going; i += 1) {
      const began = performance.now();
      const { text } = await ask(runner, `beside ${i}`);
      if (!text.endsWith(`beside ${i}`)) throw new Error('a prompt beside the fault got another answer');
      taken.push(performance.now() - began);
      await pause(5);
    }
  })();
  return {
    taken,
    end: async () => {
      going = false;
      await running;
    },
  };
}

interface Figures {
  replaced: Spread;
  alone: Spread;
  beside: Spread;
}

async function measure(
  level: SandboxLevel,
  { prompt, timeoutMs }: (typeof faults)[number],
): Promise<Figures> {
  const runner = createPromptRunner(
    sandboxOptions({
      sandbox: { workers: 2, memory_bytes: 134_217_728 },
      internal: {
        levels: [level],
        workerEntry: new URL('../support/faulty-worker.js', import.meta.url),
      },
    }),
  );
  try {
    await runner.start();
    await whole(runner);
    const before = besides(runner);
    await pause(500);
    await before.end();
    const taken: number[] = [];
    const beside: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await whole(runner);
      const { spawned } = runner.status();
      const others = besides(runner);
      const failed = await ask(runner, prompt, timeoutMs).then(
        () => false,
        () => true,
      );
      const began = performance.now();
      if (!failed) throw new Error(`${prompt} was answered`);
      const isReplaced = () => {
        const { workers, spawned: now } = runner.status();
        return now > spawned && workers.starting === 0 && workers.idle + workers.busy === 2;
      };
      while (!isReplaced()) await pause(1);
      taken.push(performance.now() - began);
      await others.end();
      beside.push(...others.taken);
    }
    return { replaced: spreadOf(taken), alone: spreadOf(before.taken), beside: spreadOf(beside) };
  } finally {
    await runner.close();
  }
}

const inWords = ({ median, p99 }: Spread) => `${median.toFixed(1)}, ${p99.toFixed(1)}`;
console.log(
  `Killed and replaced, ${rounds} rounds each, on ${cpus().length} × ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.version}; median and longest of 100 in ms\n`,
);
console.log(
  `| Level | A worker that | replaced after (aim: ${aimMs}) | a prompt alone | a prompt beside it |`,
);
console.log('| --- | --- | --- | --- | --- |');
for (const level of await levelsToTest()) {
  for (const fault of faults) {
    const { replaced, alone, beside } = await measure(level, fault);
    const aim = replaced.p99 < aimMs ? '' : ' (missed)';
    console.log(
      `| ${level} | ${fault.name} | ${inWords(replaced)}${aim} | ${inWords(alone)} | ${inWords(beside)} |`,
    );
  }
}
