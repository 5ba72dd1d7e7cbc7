import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

const psTimeoutMs = 2000;

/**
 * Resident memory of a process in bytes, seen from outside; undefined when it has just gone. From VmRSS, which the kernel
 * gives in KiB whatever its page size (a Raspberry Pi 5 has 16 KiB pages); from `ps` where there is no /proc.
 */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const text = process.platform === 'linux' ? fromProc(pid) : await fromPs(pid);
  const kibibytes = Number.parseInt(text, 10);
  return Number.isFinite(kibibytes) ? kibibytes * 1024 : undefined;
}

/** Ticks of the processor time in /proc, a second; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor time that a process has used, in seconds; undefined when it has just gone, and where there is no /proc. */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined;
  const text = proc(pid, 'stat');
  // The name of the program, in brackets, may hold anything; utime and stime are the 12th and 13th fields behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks / ticksPerSecond : undefined;
}

/** Read at once: a file of /proc comes from memory, and asking another thread for it takes ten times as long. */
function proc(pid: number, name: 'status' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return '';
    throw error;
  }
}

function fromProc(pid: number): string {
  return /^VmRSS:\s+(\d+) kB$/m.exec(proc(pid, 'status'))?.[1] ?? '';
}

function fromPs(pid: number): Promise<string> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], { timeout: psTimeoutMs }, (_error, stdout) =>
      resolve(stdout.trim()),
    );
  });
}
