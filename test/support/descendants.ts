import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Ids of the processes that a process started, and that those started, and so on. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' });
  for (const line of listed.trim().split('\n')) {
    const [child, parent, program] = line.trim().split(/\s+/);
    if (program !== 'ps')
      children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(child)]);
  }
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** Processes of Node below this one that run a program, such as `worker.js`. Linux. */
export function nodesRunning(program: string): number[] {
  return descendants(process.pid).filter((pid) => {
    try {
      const [first, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return first!.endsWith('/node') && args.some((arg) => arg.endsWith(`/${program}`));
    } catch (error) {
      // It ended between two readings.
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw error;
    }
  });
}
