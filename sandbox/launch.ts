import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeFrame } from './frames.js';

/** How children are started on this host: what was tried here and works, and what that gives. */
export interface Launcher {
  /** Program and arguments that start one child. */
  command(entry: URL, limits: ChildLimits): [program: string, args: string[]];
  holds: string[];
  lacks: string[];
}

export interface ChildLimits {
  kind: 'worker' | 'model';
  memoryBytes: number;
}

/** A process that is to be limited before it becomes Node; each step replaces the shell or the one before it. */
interface Wrapping {
  shellLimits: boolean;
  dieWithParent: boolean;
  permissions: string | null;
}

/**
 * What RLIMIT_DATA grants above the memory limit: Node 24 reserves 512 MiB for code at its start. The limit proper is kept by
 * watching resident memory; this stops what grows faster than the watch looks.
 */
const reservedBytes = 671_088_640;
const mebibyte = 1_048_576;
const probeTimeoutMs = 10_000;

/** Node's permission model, under the name that this version knows; null where there is none. */
function permissionFlag(): string | null {
  const flags = process.allowedNodeEnvironmentFlags;
  if (flags.has('--permission')) return '--permission';
  return flags.has('--experimental-permission') ? '--experimental-permission' : null;
}

/** Folder of the program: all that a worker may read where the permission model holds. */
const programFolder = new URL('../', import.meta.url);

function nodeArguments(entry: URL, limits: ChildLimits, wrapping: Wrapping): string[] {
  const heapBytes = Math.max(limits.memoryBytes - 64 * mebibyte, 32 * mebibyte);
  const args = [`--max-old-space-size=${Math.floor(heapBytes / mebibyte)}`];
  // A model is native code, which the permission model forbids to load.
  if (limits.kind === 'worker' && wrapping.permissions !== null) {
    if (wrapping.permissions.includes('experimental')) args.push('--disable-warning=ExperimentalWarning');
    args.push(wrapping.permissions, `--allow-fs-read=${realpathSync(fileURLToPath(programFolder))}/`);
  }
  return [...args, realpathSync(fileURLToPath(entry))];
}

function wrap(entry: URL, limits: ChildLimits, wrapping: Wrapping): [string, string[]] {
  const node = nodeArguments(entry, limits, wrapping);
  if (!wrapping.shellLimits) return [process.execPath, node];
  const dataKilobytes = Math.ceil((limits.memoryBytes + reservedBytes) / 1024);
  // A worker writes no file and opens few; a model maps its file and loads libraries.
  const rules =
    limits.kind === 'worker'
      ? `ulimit -c 0 && ulimit -f 0 && ulimit -n 64 && ulimit -d ${dataKilobytes}`
      : 'ulimit -c 0';
  const steps = wrapping.dieWithParent ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  // The shell puts names of its own into the environment, so it is emptied again behind it.
  const script = `${rules} && PATH=/usr/bin:/bin && exec "$@"`;
  return ['/bin/sh', ['-c', script, 'sh', ...steps, '/usr/bin/env', '-i', process.execPath, ...node]];
}

/** Whether a child started so comes up and says what it should, and nothing else. */
function works(program: string, args: string[], cwd: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env: {}, timeout: probeTimeoutMs }, (error, stdout, stderr) => {
      resolve(error === null && stdout === encodeFrame('ready').toString() && stderr === '');
    });
  });
}

/** Tries, from most to least, what this host can do; takes the first that works. A level that fails is not claimed. */
export async function findLauncher(memoryBytes: number, cwd: string): Promise<Launcher> {
  const flag = permissionFlag();
  const linux = process.platform === 'linux';
  const wrappings: Wrapping[] = [
    { shellLimits: true, dieWithParent: linux, permissions: flag },
    { shellLimits: true, dieWithParent: linux, permissions: null },
    { shellLimits: true, dieWithParent: false, permissions: flag },
    { shellLimits: true, dieWithParent: false, permissions: null },
    { shellLimits: false, dieWithParent: false, permissions: flag },
  ];
  const probe = new URL('./probe.js', import.meta.url);
  for (const wrapping of wrappings) {
    const [program, args] = wrap(probe, { kind: 'worker', memoryBytes }, wrapping);
    if (await works(program, args, cwd)) return launcher(wrapping);
  }
  return launcher({ shellLimits: false, dieWithParent: false, permissions: null });
}

function launcher(wrapping: Wrapping): Launcher {
  const linux = process.platform === 'linux';
  const holds = [
    'environment: empty',
    'memory: resident memory watched from outside every 100 ms while a prompt runs',
    'time: killed at the deadline',
  ];
  const lacks = ['network: reachable'];
  if (wrapping.permissions === null) lacks.push('file system: readable with the rights of the server');
  else {
    holds.push(
      "file system: reads of the program only, no writes, no child processes (Node's permission model)",
    );
    lacks.push("file system: Node's permission model contains faults, not malice");
  }
  if (wrapping.shellLimits) {
    holds.push('core dumps: none', 'written files: none (RLIMIT_FSIZE)', 'open files: 64');
    if (linux) holds.push('memory bursts: RLIMIT_DATA');
  } else lacks.push('resource limits: no shell to set them');
  if (wrapping.dieWithParent) holds.push('lifetime: dies with the server, even when it hangs');
  else lacks.push('lifetime: a worker in an endless loop outlives a server that is killed');
  lacks.push('processes of models: resident memory, core dumps and environment only');
  lacks.push('user: the same as the server');
  return { command: (entry, limits) => wrap(entry, limits, wrapping), holds, lacks };
}
