import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { findLauncher } from './launch.js';
import { endLaunch, onPid, startLaunch } from './start.js';

const memoryBytes = 268_435_456;

it('a child that is ended at any moment of its start leaves nobody behind who holds its pipes', async () => {
  const { launcher } = await findLauncher({ memoryBytes, cpuSeconds: 300, cwd: tmpdir() });
  const entry = new URL('./worker.js', import.meta.url);
  for (let delayMs = 0; delayMs < 10; delayMs += 0.1) {
    const launch = launcher.command({ entry, limits: { kind: 'worker', memoryBytes } });
    const { child } = startLaunch(launch, { cwd: tmpdir(), stdio: ['pipe', 'ignore', 'pipe'] });
    let pid: number | undefined;
    onPid(child, launch, (told) => {
      pid = told;
    });
    const closed = once(child, 'close');
    child.stdio[3]?.on('error', () => undefined);
    (child.stdio[3] as NodeJS.ReadableStream).resume();
    child.stderr?.resume();
    const from = performance.now();
    while (performance.now() - from < delayMs) await setImmediate();
    endLaunch(child, pid);
    const [code, signal] = (await closed) as [number | null, string | null];
    expect(signal ?? code, `ended after ${delayMs} ms`).not.toBe(0);
  }
});
