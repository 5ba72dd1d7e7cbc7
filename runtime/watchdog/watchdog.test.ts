import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { keeperVariable } from './keeper-variable.js';
import { Watchdog } from './watchdog.js';

const options = {
  ...{ httpMs: 10_000, threadMs: 60_000, sandboxMs: 30_000, closeMs: 5000 },
  onLate: () => undefined,
  onStuck: () => undefined,
  onBack: () => undefined,
};

test.skipIf(process.platform === 'win32')(
  'whoever keeps us knows that we serve before we say so to anybody: a server killed a moment later is started again',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reading = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const writing = openSync(pipe, constants.O_WRONLY);
    vi.stubEnv(keeperVariable, String(writing));
    const problems: string[] = [];
    const watchdog = new Watchdog({ ...options, onProblem: (problem) => problems.push(problem) });
    try {
      await watchdog.ready();
      const said = Buffer.alloc(4096);
      const length = readSync(reading, said, 0, said.length, null);
      expect(JSON.parse(said.toString('utf8', 0, length).split('\n')[0]!)).toEqual({
        kind: 'ready',
        closeMs: 5000,
        silentMs: 10_000,
      });
      expect(problems).toEqual([]);
    } finally {
      await watchdog.close();
      vi.unstubAllEnvs();
      closeSync(reading);
      closeSync(writing);
      rmSync(folder, { recursive: true });
    }
  },
);

test('without a keeper nobody is waited for', async () => {
  const watchdog = new Watchdog({ ...options, onProblem: () => undefined });
  await watchdog.ready();
  await watchdog.close();
});
