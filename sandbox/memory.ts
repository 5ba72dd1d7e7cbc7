import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

const psTimeoutMs = 2000;

/**
 * Resident memory of a process in bytes, seen from outside; undefined when it has just gone. From VmRSS, which the kernel
 * gives in KiB whatever its page size (a Raspberry Pi 5 has 16 KiB pages); from `ps` where there is no /proc.
 */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const text = process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
  const kibibytes = Number.parseInt(text, 10);
  return Number.isFinite(kibibytes) ? kibibytes * 1024 : undefined;
}

async function fromProc(pid: number): Promise<string> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? '';
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return '';
    throw error;
  }
}

function fromPs(pid: number): Promise<string> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], { timeout: psTimeoutMs }, (_error, stdout) =>
      resolve(stdout.trim()),
    );
  });
}
