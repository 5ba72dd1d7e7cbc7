import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../check.js';
import type { ChildLimits, Launcher } from '../levels/level.js';
import { hasFilter } from '../seccomp/bpf.js';
import { type EscapeOutcome, escapeAttempts } from '../types.js';
import { type Listeners, openListeners } from './listeners.js';
import { type Call, nativeProgram } from './native.js';
import type { EscapePlan } from './plan.js';
import { runWatched, type Watched } from './watched.js';

type Attempt = EscapeOutcome['attempt'];
type Outcomes = Map<Attempt, Omit<EscapeOutcome, 'attempt'>>;

const processesTried = 64;
const timeoutMs = 20_000;
/** Names of the errors that the kernel gives for the native calls. */
const errorNames: Record<number, string> = {
  1: 'EPERM',
  3: 'ESRCH',
  13: 'EACCES',
  22: 'EINVAL',
  38: 'ENOSYS',
};

export interface ProbeOptions {
  launcher: Launcher;
  limits: ChildLimits;
  /** How often resident memory is looked at. */
  lookMs: number;
  /** Files of the appliance that a worker must not read; where one is absent a stand-in takes its place. */
  files: { ledger?: string | undefined; keys?: string | undefined };
  /** Where the model server listens, if there is one. */
  modelServer?: { host: string; port: number } | undefined;
  /** Ends the probe, which then throws. */
  signal: AbortSignal;
}

/**
 * Tries to escape from a worker at this level: reads files and the environment, opens sockets, reaches the model server, writes, forks, allocates,
 * traces its parent, mounts. Each try is bounded by itself, watched from here and undone, so that it does no harm where it succeeds.
 */
export async function probeEscape(options: ProbeOptions): Promise<EscapeOutcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-escape-'));
  chmodSync(folder, 0o755);
  const listeners = await openListeners(folder);
  try {
    const plan = planOf(options, folder, listeners);
    const outcomes: Outcomes = new Map([
      ...(await tryPlan(options, folder, plan, listeners)),
      ...(await tryNative(options, folder)),
    ]);
    options.signal.throwIfAborted();
    return escapeAttempts.map((attempt) => ({
      attempt,
      ...(outcomes.get(attempt) ?? { outcome: 'not_tried', how: 'the probe ended before it' }),
    }));
  } finally {
    await listeners.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function planOf(options: ProbeOptions, folder: string, listeners: Listeners): EscapePlan {
  const { tcpPort, udpPort, unixPath, modelPort } = listeners;
  const file = (name: 'ledger' | 'keys') => {
    const given = options.files[name];
    if (given !== undefined && existsSync(given)) return given;
    // As closed as the real one, in a folder as closed as its own.
    const standIn = join(mkdtempSync(join(folder, 'closed-')), name);
    writeFileSync(standIn, 'x', { mode: 0o600 });
    return standIn;
  };
  const name = `arkalia-escape-${randomUUID()}`;
  return {
    serverPid: process.pid,
    files: { shadow: '/etc/shadow', ledger: file('ledger'), keys: file('keys') },
    tcpPort,
    udpPort,
    unixPath,
    modelServer: options.modelServer ?? { host: '127.0.0.1', port: modelPort },
    writes: [join(tmpdir(), name), fileURLToPath(new URL(`../${name}`, import.meta.url))],
    processes: processesTried,
    allocateBytes: 2 * options.limits.memoryBytes,
  };
}

async function tryPlan(
  { launcher, limits, lookMs, signal }: ProbeOptions,
  cwd: string,
  plan: EscapePlan,
  listeners: Listeners,
): Promise<Outcomes> {
  const entry = new URL('./attempts.js', import.meta.url);
  const launch = launcher.command({ entry, limits, probe: { argument: JSON.stringify(plan) } });
  const run = await runWatched(launch, { cwd, memoryBytes: limits.memoryBytes, lookMs, timeoutMs, signal });
  const outcomes = readSaid(run);
  const open = (attempt: Attempt, how: string) => outcomes.set(attempt, { outcome: 'open', how });
  // What is seen from here counts more than what the probe says.
  for (const [attempt, count] of Object.entries(listeners.arrived))
    if (count > 0) open(attempt as Attempt, 'arrived');
  const written = plan.writes.filter((file) => existsSync(file));
  for (const file of written) rmSync(file, { force: true });
  if (written.length > 0) open('write_outside', 'written');
  else if (outcomes.get('write_outside')?.outcome === 'open')
    outcomes.set('write_outside', { outcome: 'stopped', how: 'only its own folders changed' });
  return outcomes;
}

/** What the probe said, and for the last try, which ends it where the level holds, how it ended. */
function readSaid({ said, ending, complaint }: Watched): Outcomes {
  const outcomes: Outcomes = new Map();
  for (const line of said
    .toString()
    .split('\n')
    .filter((text) => text !== '')) {
    const value: unknown = JSON.parse(line);
    if (!isRecord(value) || !escapeAttempts.includes(value.attempt as Attempt)) throw new Error('no outcome');
    const outcome = value.done === true ? 'open' : 'stopped';
    outcomes.set(value.attempt as Attempt, { outcome, how: String(value.how).slice(0, 100) });
  }
  // Only the last try may end it: each of the others is bounded and has answered by then.
  if (!outcomes.has('allocate') && outcomes.has('fork')) {
    const memory = ending === 'too_big' || /out of memory|allocation failed/i.test(complaint);
    if (memory) outcomes.set('allocate', { outcome: 'stopped', how: 'killed at its limit' });
    else if (ending === 'killed')
      outcomes.set('allocate', { outcome: 'stopped', how: 'ended by the kernel' });
  }
  return outcomes;
}

/** ptrace, mount and unshare, which take native code. Linux on the processors that we make code for. */
async function tryNative({ launcher, limits, lookMs, signal }: ProbeOptions, cwd: string): Promise<Outcomes> {
  const attempts = ['ptrace', 'mount', 'namespaces'] as const;
  const notTried = (how: string): Outcomes =>
    new Map(attempts.map((attempt) => [attempt, { outcome: 'not_tried', how }]));
  const { arch, platform } = process;
  if (platform !== 'linux' || !hasFilter(arch)) return notTried(`no native probe for ${platform} on ${arch}`);
  const calls = nativeCalls(cwd);
  const native = join(cwd, 'native');
  writeFileSync(native, nativeProgram(arch, calls));
  chmodSync(native, 0o755);
  const entry = new URL('./attempts.js', import.meta.url);
  const launch = launcher.command({ entry, limits, native });
  const run = await runWatched(launch, { cwd, memoryBytes: limits.memoryBytes, lookMs, timeoutMs, signal });
  if (run.said.length !== 8 * calls.length)
    return notTried('its program could not be run (a temporary folder that forbids programs?)');
  const result = (index: number) => Number(run.said.readBigInt64LE(8 * index));
  return new Map(
    attempts.map((attempt, i): [Attempt, Omit<EscapeOutcome, 'attempt'>] => {
      const value = result([1, 2, 4][i] as number);
      if (value === 0) return [attempt, { outcome: 'open', how: 'done, and undone' }];
      return [attempt, { outcome: 'stopped', how: errorNames[-value] ?? `error ${-value}` }];
    }),
  );
}

/**
 * getppid; ptrace(PTRACE_SEIZE, parent), which does not stop it and ends with the probe; mount of a tmpfs over the probe's own folder,
 * and umount2(MNT_DETACH) of it; unshare(CLONE_NEWUSER | CLONE_NEWNS), which the probe alone lives in.
 */
function nativeCalls(folder: string): Call[] {
  const on = { text: folder };
  return [
    [110, 173],
    [101, 117, 0x4206, { resultOf: 0 }, 0, 0],
    [165, 40, { text: 'none' }, on, { text: 'tmpfs' }, 0, 0],
    [166, 39, on, 2],
    [272, 97, 0x10020000],
  ];
}
