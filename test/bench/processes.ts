import { readdirSync, readFileSync } from 'node:fs';

/** Every process below one, from /proc; those below `except` are left out. Empty where there is no /proc. */
export function processesBelow(root: number, except: readonly number[] = []): number[] {
  const parents = new Map<number, number[]>();
  for (const entry of safely(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = safely(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    if (stat === undefined) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    parents.set(parent, [...(parents.get(parent) ?? []), Number(entry)]);
  }
  const below = (pid: number): number[] =>
    (parents.get(pid) ?? [])
      .filter((child) => !except.includes(child))
      .flatMap((child) => [child, ...below(child)]);
  return below(root);
}

/** What has gone meanwhile, or is not there on this system, is undefined. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(String((error as NodeJS.ErrnoException).code))) return undefined;
    throw error;
  }
}
