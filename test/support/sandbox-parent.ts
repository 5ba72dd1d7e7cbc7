import { createPromptRunner } from '../../sandbox/index.js';
import { answerOf, jobFor, sandboxOptions } from './sandbox-options.js';

/** A server with one idle worker and one in an endless loop; tells their ids and waits to be killed. */

const runner = createPromptRunner(
  sandboxOptions({
    sandbox: { workers: 2 },
    internal: { workerEntry: new URL('./faulty-worker.js', import.meta.url) },
  }),
);
await runner.start();
while (runner.status().workers.idle < 2) await new Promise((resolve) => setTimeout(resolve, 10));

const report = async () =>
  JSON.parse((await answerOf(runner, jobFor('navigator', 'report'))).text) as { pid: number; cwd: string };
// Workers are taken in turn: the first that is idle reports; then it is sent into the loop, and the other reports.
const looping = await report();
void answerOf(runner, jobFor('navigator', 'hang'), { timeoutMs: 3_600_000 });
const idle = await report();
const dies = runner.status().holds.some((text) => text.startsWith('lifetime'));
process.stdout.write(JSON.stringify({ pids: [idle.pid, looping.pid], folder: idle.cwd, dies }));
