import { afterEach, describe, expect, it } from 'vitest';
import { levelsToTest } from '../test/support/levels.js';
import { answerOf, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { createPromptRunner } from './index.js';

const workerEntry = new URL('../test/support/faulty-worker.js', import.meta.url);
type Runner = ReturnType<typeof createPromptRunner>;

let runner: Runner | undefined;
afterEach(async () => {
  await runner?.close();
  runner = undefined;
});

const levels = await levelsToTest();

describe.each(levels)('the limits of a worker at level %s', (level) => {
  async function started(sandbox: { memory_bytes?: number; cpu_seconds?: number } = {}): Promise<Runner> {
    runner = createPromptRunner(
      sandboxOptions({ sandbox: { workers: 1, ...sandbox }, internal: { workerEntry, levels: [level] } }),
    );
    await runner.start();
    return runner;
  }
  const ask = (of: Runner, content: string) =>
    answerOf(of, jobFor('navigator', content), { timeoutMs: 25_000 });

  // Each goes to at least twice the limit unless it is stopped: in small steps, all at once, outside the heap of JavaScript.
  it.each(['grow', 'burst', 'heap', 'wasm', 'mmap'])(
    'memory: %s beyond the limit ends the worker, and the next prompt has a new one',
    async (way) => {
      const of = await started({ memory_bytes: 134_217_728 });
      await expect(ask(of, way)).rejects.toMatchObject({ code: 'out_of_memory' });
      expect(of.status().killed.out_of_memory).toBe(1);
      expect((await ask(of, 'next')).text).toContain('next');
    },
  );

  it('processor: a worker that has used its time is ended by the kernel, before its deadline', async () => {
    const of = await started({ cpu_seconds: 1 });
    await expect(ask(of, 'hang')).rejects.toMatchObject({ code: 'crashed' });
  });

  it('files: it can open some, not many', async () => {
    const opened = Number(/opened (\d+)/.exec((await ask(await started(), 'files')).text)?.[1]);
    expect(opened).toBeGreaterThan(10);
    expect(opened).toBeLessThan(64);
  });
});
