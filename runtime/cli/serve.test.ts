import { afterEach, expect, it, vi } from 'vitest';
import { type Running, serve } from './serve.js';
import { FakeIo } from './testing/fake-io.js';

afterEach(() => vi.useRealTimers());

const quiet = { ARKALIA_LOG_LEVEL: 'silent', ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '100' };

/** An appliance whose closing a test ends. */
function fakeAppliance(): { running: Running; reasons: string[]; errors: Error[]; closed: () => void } {
  const reasons: string[] = [];
  const errors: Error[] = [];
  let closed: () => void = () => undefined;
  const closing = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const close = (reason: string): Promise<void> => {
    reasons.push(reason);
    return closing;
  };
  const recordError = (error: Error) => void errors.push(error);
  return { running: { banner: ['It serves.'], close, recordError }, reasons, errors, closed };
}

async function printed(io: FakeIo, text: string): Promise<void> {
  await vi.waitFor(() => expect(io.stdout).toContain(text));
}

it.each(['SIGTERM', 'SIGINT'] as const)('prints the banner, closes at %s and ends with 0', async (signal) => {
  const io = new FakeIo(quiet);
  const { running, reasons, closed } = fakeAppliance();
  const ended = serve({}, io, async () => running);
  await printed(io, 'It serves.');
  expect(io.stdout).toContain('Stop with Ctrl-C');
  io.signal(signal);
  await vi.waitFor(() => expect(reasons).toEqual([signal]));
  closed();
  expect(await ended).toBe(0);
  expect(io.exits).toEqual([]);
  expect(io.listening).toBe(0);
});

it('ends at once at a second signal, whichever it is', async () => {
  const io = new FakeIo(quiet);
  const { running, closed } = fakeAppliance();
  const ended = serve({}, io, async () => running);
  await printed(io, 'It serves.');
  io.signal('SIGTERM');
  expect(io.exits).toEqual([]);
  io.signal('SIGINT');
  expect(io.exits).toEqual([1]);
  closed();
  await ended;
});

it('keeps a signal that comes while it starts, and closes properly then', async () => {
  const io = new FakeIo(quiet);
  const { running, reasons, closed } = fakeAppliance();
  let started: (running: Running) => void = () => undefined;
  const ended = serve({}, io, () => new Promise<Running>((resolve) => (started = resolve)));
  await vi.waitFor(() => expect(io.listening).toBeGreaterThan(0));
  io.signal('SIGTERM');
  started(running);
  closed();
  expect(await ended).toBe(0);
  expect(reasons).toEqual(['SIGTERM']);
});

it('ends with 1 when closing takes longer than configured', async () => {
  vi.useFakeTimers();
  const io = new FakeIo(quiet);
  const { running } = fakeAppliance();
  const ended = serve({}, io, async () => running);
  await printed(io, 'It serves.');
  io.signal('SIGTERM');
  await vi.advanceTimersByTimeAsync(100 + 3000);
  expect(await ended).toBe(1);
  expect(io.stderr).toContain('Not everything stopped within 3100 ms');
});

it('records, closes and ends with 1 after an error that nobody caught', async () => {
  const io = new FakeIo(quiet);
  const { running, reasons, errors, closed } = fakeAppliance();
  const ended = serve({}, io, async () => running);
  await printed(io, 'It serves.');
  closed();
  io.throwUncaught(new Error('oops'));
  expect(await ended).toBe(1);
  expect(errors.map((error) => error.message)).toEqual(['oops']);
  expect(reasons).toEqual(['uncaught error']);
});

it('listens to no signal any more when the start fails', async () => {
  const io = new FakeIo(quiet);
  await expect(serve({}, io, () => Promise.reject(new Error('no port')))).rejects.toThrow('no port');
  expect(io.listening).toBe(0);
});
