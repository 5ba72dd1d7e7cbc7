import { expect, test } from 'vitest';
import { superviseServer } from './serve-supervised.js';
import { FakeIo } from './testing/fake-io.js';

/** Supervises a server made of a few lines; `say` writes to the parent as a server does. */
async function supervise(lines: string, pauses: { backoffFirstMs?: number; backoffMaxMs?: number } = {}) {
  const io = new FakeIo({});
  const script = `
    const { writeSync } = require('node:fs');
    const say = (message) => writeSync(Number(process.env.LUNA_KEEPER_FD), JSON.stringify(message) + '\\n');
    const ready = () => say({ kind: 'ready', closeMs: 1000, silentMs: 1000 });
    const restarts = Number(process.env.LUNA_RESTARTS ?? 0);
    ${lines}
  `;
  const code = await superviseServer({
    command: process.execPath,
    args: ['-e', script],
    env: process.env,
    io,
    backoffFirstMs: 10,
    backoffMaxMs: 40,
    ...pauses,
  });
  return { code, pauses: [...io.stderr.matchAll(/again in (\d+) ms/g)].map(([, ms]) => Number(ms)), io };
}

test.each([0, 1, 2, 77])(
  'a server that ends with %d before it ever served is not started again',
  async (code) => {
    expect(await supervise(`process.exit(${code})`)).toMatchObject({ code, pauses: [] });
  },
);

test('one that a signal ended before it served: 128 and the number of the signal', async () => {
  expect(await supervise(`process.kill(process.pid, 'SIGKILL')`)).toMatchObject({ code: 137, pauses: [] });
});

test('one that served and dies is started again, also when it then fails to start; pauses grow up to the longest', async () => {
  const ended = await supervise(`
    if (restarts === 0) { ready(); process.exit(1); }
    process.exit(restarts < 5 ? 1 : 0);
  `);
  expect(ended).toMatchObject({ code: 0, pauses: [10, 20, 40, 40, 40] });
  expect(ended.io.stderr).toContain('The server ended (exit code 1)');
});

test('one that says that it is stuck is killed at once, and told why in the next life', async () => {
  const ended = await supervise(`
    if (restarts > 0) process.exit(process.env.LUNA_RESTART_CAUSE === 'ledger is silent' ? 0 : 9);
    ready();
    say({ kind: 'stuck', why: 'ledger is silent' });
    for (;;);
  `);
  expect(ended).toMatchObject({ code: 0, pauses: [10] });
});

test('one that falls silent after it served is killed', async () => {
  const ended = await supervise(`
    if (restarts > 0) process.exit(0);
    ready();
    for (;;);
  `);
  expect(ended.code).toBe(0);
  expect(ended.io.stderr).toMatch(/no heartbeat for \d+ ms/);
});

test('a signal during the pause ends it with 0, and starts nothing', async () => {
  const io = new FakeIo({});
  const ended = superviseServer({
    command: process.execPath,
    args: [
      '-e',
      `require('node:fs').writeSync(3, '{"kind":"ready","closeMs":1,"silentMs":1000}\\n'); process.exit(1)`,
    ],
    env: process.env,
    io,
    backoffFirstMs: 600_000,
    backoffMaxMs: 600_000,
  });
  while (!io.stderr.includes('600000 ms')) await new Promise((resolve) => setTimeout(resolve, 20));
  io.signal('SIGTERM');
  expect(await ended).toBe(0);
  expect(io.listening).toBe(0);
});
