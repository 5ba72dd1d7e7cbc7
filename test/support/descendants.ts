import { execFileSync } from 'node:child_process';

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
