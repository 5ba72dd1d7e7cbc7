import { afterEach, describe, expect, test } from 'vitest';
import { Supervised } from './supervised.js';

let server: Supervised | undefined;
afterEach(() => server?.close());

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

// /proc tells who the server is.
describe.skipIf(process.platform !== 'linux')('a server under serve --supervise', () => {
  test('killed: it serves again on the same port and data folder, and says and records why it was restarted', async () => {
    server = await Supervised.start();
    const pid = (await server.serverPid())!;
    expect(await server.watchdog()).toEqual({ stuck: 0, restarts: 0 });
    process.kill(pid, 'SIGKILL');
    const next = await server.serving(pid);
    expect(next).not.toBe(pid);
    expect(await server.watchdog()).toEqual({ stuck: 0, restarts: 1, restart_cause: 'signal SIGKILL' });
    const answer = await fetch(`${server.url}/ledger/events?type=system_restarted&limit=10`);
    const { events } = (await answer.json()) as { events: { data: unknown }[] };
    expect(events.map(({ data }) => data)).toEqual([{ cause: 'signal SIGKILL', restarts: 1 }]);
    expect(server.output.text).toContain('The server ended (signal SIGKILL)');
  });

  test('its event loop blocked for ever: killed although it hears no signal, and serving again', async () => {
    server = await Supervised.start();
    const pid = (await server.serverPid())!;
    fetch(`${server.url}/block`).catch(() => undefined);
    await server.serving(pid);
    expect(isAlive(pid)).toBe(false);
    expect((await server.watchdog()).restart_cause).toMatch(/^http has been silent for \d+ ms$/);
  });

  test('stopped as a whole, its watchdog too: the parent misses its heartbeat', async () => {
    server = await Supervised.start();
    const pid = (await server.serverPid())!;
    process.kill(pid, 'SIGSTOP');
    await server.serving(pid);
    expect(isAlive(pid)).toBe(false);
    expect((await server.watchdog()).restart_cause).toMatch(/^no heartbeat for \d+ ms$/);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s closes the server with grace and ends with 0',
    async (signal) => {
      server = await Supervised.start();
      const pid = (await server.serverPid())!;
      const exited = server.exited();
      server.parent.kill(signal);
      expect(await exited).toBe(0);
      expect(isAlive(pid)).toBe(false);
      expect(server.output.text).toContain(`Stopping (${signal})`);
      expect(server.output.text).not.toContain('started again');
    },
  );

  test('SIGTERM while the event loop is blocked: killed when its time is over, and not started again', async () => {
    server = await Supervised.start({
      ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '100',
      ARKALIA_WATCHDOG_HTTP_MS: '600000',
    });
    const pid = (await server.serverPid())!;
    fetch(`${server.url}/block`).catch(() => undefined);
    await until(async () => {
      const answer = await fetch(`${server!.url}/health`, { signal: AbortSignal.timeout(500) }).catch(
        () => null,
      );
      return answer === null;
    });
    const exited = server.exited();
    server.parent.kill('SIGTERM');
    expect(await exited).toBe(137);
    expect(isAlive(pid)).toBe(false);
  });

  test('a second signal ends it at once', async () => {
    server = await Supervised.start({ ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '600000' });
    const pid = (await server.serverPid())!;
    fetch(`${server.url}/block`).catch(() => undefined);
    await until(async () => {
      const answer = await fetch(`${server!.url}/health`, { signal: AbortSignal.timeout(500) }).catch(
        () => null,
      );
      return answer === null;
    });
    const exited = server.exited();
    server.parent.kill('SIGTERM');
    server.parent.kill('SIGINT');
    expect(await exited).toBe(137);
    expect(isAlive(pid)).toBe(false);
  });

  test('the parent killed: the server notices, closes with grace and leaves nothing behind', async () => {
    server = await Supervised.start();
    const pid = (await server.serverPid())!;
    server.parent.kill('SIGKILL');
    await until(() => !isAlive(pid));
    expect(server.output.text).toContain('Stopping (SIGTERM)');
  });
});
