import { setTimeout as pause } from 'node:timers/promises';
import { createPromptRunner, type Sandbox } from '../../sandbox/index.js';
import type { SandboxLevel } from '../../sandbox/types.js';
import { answerOf, jobFor, sandboxOptions } from '../support/sandbox-options.js';
import { type Spread, spreadOf } from './chat-journey.js';

/** What a worker costs at a level, in milliseconds of prompts to the built-in assistant, so that no engine counts. */
export interface WorkerTimes {
  level: SandboxLevel;
  /** From nothing: the level found, the first worker up. */
  startMs: number;
  /** A prompt for which a process has to be made first. */
  cold: Spread;
  /** A prompt on a worker of its own that stood ready. */
  spare: Spread;
  /** A prompt on a worker that served others before. */
  warm: Spread;
}

const runs = { cold: 20, warm: 200 };

async function timed(runner: Sandbox, times: number, before: () => Promise<unknown>): Promise<Spread> {
  const taken: number[] = [];
  for (let run = 0; run < times; run++) {
    await before();
    const began = performance.now();
    await answerOf(runner, jobFor('navigator', 'How are you?'));
    taken.push(performance.now() - began);
  }
  return spreadOf(taken);
}

async function ready(runner: Sandbox): Promise<void> {
  while (runner.status().workers.idle === 0) await pause(5);
}

export async function workerTimes(level: SandboxLevel): Promise<WorkerTimes> {
  const internal = { levels: [level] };
  const own = createPromptRunner(sandboxOptions({ internal, sandbox: { workers: 1, fresh: 'always' } }));
  // Also where the product would not share it.
  const shared = createPromptRunner(sandboxOptions({ internal, sandbox: { workers: 1 } }));
  try {
    const began = performance.now();
    await own.start();
    const startMs = performance.now() - began;
    await answerOf(own, jobFor('navigator', 'How are you?'));
    const cold = await timed(own, runs.cold, async () => {});
    const spare = await timed(own, runs.cold, () => ready(own));
    await shared.start();
    const warm = await timed(shared, runs.warm, () => ready(shared));
    return { level, startMs, cold, spare, warm };
  } finally {
    await Promise.all([own.close(), shared.close()]);
  }
}
