import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Group } from './groups/group.js';
import type { Launch } from './levels/level.js';

/** A child, and the control group that it is in. */
export interface Started {
  child: ChildProcess;
  group: Group | undefined;
}

/** Bubblewrap has this long to leave after our program. */
const wrapperLeavesMs = 100;
/** How much of what bubblewrap tells is read. */
const infoKept = 1024;

/**
 * Starts what a launcher says, with stdin, stdout and descriptor 3 as asked, and hands the filter over where there is one. `file` is an open
 * file that it gets as descriptor 6. It leads a process group of its own, so that it can be ended with what it started, and a Ctrl-C in our
 * terminal is ours alone.
 */
export function startLaunch(
  launch: Launch,
  options: {
    cwd: string;
    stdio: [stdin: 'pipe' | 'ignore', stdout: 'pipe' | 'ignore', frames: 'pipe' | 'ignore'];
    file?: number | undefined;
  },
): Started {
  const { filter } = launch;
  const [stdin, stdout, frames] = options.stdio;
  const stdio: SpawnOptions['stdio'] = [stdin, stdout, 'pipe', frames];
  const between = filter === undefined ? 'ignore' : 'pipe';
  if (options.file !== undefined) stdio.push(between, between, options.file);
  else if (filter !== undefined) stdio.push(between, between);
  const started = startGrouped(launch, { cwd: options.cwd, env: {}, stdio, detached: true });
  handFilter(started.child, launch);
  return started;
}

/** Writes the filter of system calls to descriptor 4, where there is one. */
export function handFilter(child: ChildProcess, { filter }: Launch): void {
  if (filter === undefined) return;
  const pipe = child.stdio[4] as Writable;
  // When the program ends before it has read the filter, its exit tells.
  pipe.on('error', () => pipe.destroy());
  pipe.end(filter);
}

/** Starts a program in a control group of its own, where there is one; the group ends with it. */
export function startGrouped({ program, args, group: make }: Launch, options: SpawnOptions): Started {
  const group = make?.();
  const command = group === undefined ? { program, args } : group.entering(program, args);
  const child = spawn(command.program, command.args, options);
  child.once('exit', () => group?.end());
  child.once('error', () => group?.end());
  return { child, group };
}

/** Tells the id of the process that runs our program: at once, or at level strict a moment later, when bubblewrap has told it. */
export function onPid(child: ChildProcess, launch: Launch, tell: (pid: number) => void): void {
  if (launch.filter === undefined) {
    if (child.pid !== undefined) tell(child.pid);
    return;
  }
  const info = (child.stdio as readonly (Readable | null | undefined)[])[5];
  let told = '';
  info?.setEncoding('utf8').on('data', (text: string) => {
    told = (told + text).slice(0, infoKept);
    const found = /"child-pid": (\d+)\D/.exec(told)?.[1];
    if (found !== undefined) tell(Number(found));
  });
}

/**
 * Kills our program, whose id is given where it is known; bubblewrap, which waits for it, then goes by itself, and is made to when not. Before it
 * has told the id its group is killed: its own child, which waits to be set up, would outlive it and hold the pipes.
 */
export function endLaunch(child: ChildProcess, pid: number | undefined): void {
  const { pid: started } = child;
  if (started === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (pid === undefined || pid === started || !killed(pid)) {
    killed(-started);
    return;
  }
  const timer = setTimeout(() => killed(-started), wrapperLeavesMs);
  child.once('exit', () => clearTimeout(timer));
}

/** Kills a process, or a group when negative; false when it has gone, or is not ours to kill. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (['ESRCH', 'EPERM'].includes(String((error as NodeJS.ErrnoException).code))) return false;
    throw error;
  }
}
