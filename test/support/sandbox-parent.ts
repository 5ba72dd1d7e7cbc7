import { createPromptRunner } from '../../sandbox/index.js';
import type { SandboxLevel } from '../../sandbox/types.js';
import { answerOf, jobFor, sandboxOptions } from './sandbox-options.js';

/** A server with one idle worker and one in an endless loop; says so and waits to be killed. */

const runner = createPromptRunner(
  sandboxOptions({
    sandbox: { workers: 2 },
    internal: {
      ...(process.argv[2] === undefined ? {} : { levels: [process.argv[2] as SandboxLevel] }),
      workerEntry: new URL('./faulty-worker.js', import.meta.url),
    },
  }),
);
await runner.start();
while (runner.status().workers.idle < 2) await new Promise((resolve) => setTimeout(resolve, 10));

void answerOf(runner, jobFor('navigator', 'hang'), { timeoutMs: 3_600_000 });
while (runner.status().workers.busy < 1) await new Promise((resolve) => setTimeout(resolve, 10));
const dies = runner.status().holds.some((text) => text.startsWith('lifetime'));
process.stdout.write(JSON.stringify({ dies }));
