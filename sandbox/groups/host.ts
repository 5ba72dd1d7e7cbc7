import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { isRunning } from '../running.js';

/** What groups are made of; tests put a model of the kernel's files in its place. */
export interface GroupHost {
  /** Texts of /proc/self/cgroup and /proc/self/mountinfo. */
  cgroup: string;
  mountinfo: string;
  /** Of this server. */
  pid: number;
  read(file: string): string;
  /** Into a file that is there. */
  write(file: string, text: string): void;
  makeFolder(folder: string): void;
  removeFolder(folder: string): void;
  folders(folder: string): string[];
  isRunning(pid: number): boolean;
  /** Whether a process is this server, what it started, or the parent that restarts it. */
  isOurs(pid: number): boolean;
  /** SIGKILL; nothing when it has gone or is not ours to kill. */
  kill(pid: number): void;
}

const read = (file: string): string => readFileSync(file, 'utf8');

/** This machine; undefined where there are no control groups. */
export function groupHost(): GroupHost | undefined {
  if (process.platform !== 'linux') return undefined;
  return {
    cgroup: ofProcess('self', 'cgroup'),
    mountinfo: ofProcess('self', 'mountinfo'),
    pid: process.pid,
    read,
    write: (file, text) => {
      try {
        writeFileSync(file, text, { flag: 'r+' });
      } catch (error) {
        // What the kernel refuses to take has no path in its error.
        throw Object.assign(error as Error, { path: file });
      }
    },
    makeFolder: (folder) => void mkdirSync(folder),
    removeFolder: (folder) => rmdirSync(folder),
    folders: (folder) =>
      readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name),
    isRunning,
    isOurs: (pid) => ancestors(pid).includes(familyRoot()),
    kill: (pid) => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (!hasCode(error, 'ESRCH', 'EPERM')) throw error;
      }
    },
  };
}

/** Whether an error is one of the system's with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** A file of a process that may end meanwhile; empty then, and where there is no /proc. */
function ofProcess(pid: number | 'self', name: 'stat' | 'cmdline' | 'cgroup' | 'mountinfo'): string {
  try {
    return read(`/proc/${pid}/${name}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}

/** 0 for the first process, and for one that has gone. */
function parentOf(pid: number): number {
  const text = ofProcess(pid, 'stat');
  // The name of the program, in brackets, may hold anything; the parent is the second field behind it.
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/** A process and those above it. */
function ancestors(pid: number): number[] {
  const found: number[] = [];
  for (let one = pid; one > 0 && !found.includes(one); one = parentOf(one)) found.push(one);
  return found;
}

/** This server, or the parent that restarts it: it runs the same file. */
function familyRoot(): number {
  const parent = process.ppid;
  const program = process.argv[1];
  const isOfUs = program !== undefined && ofProcess(parent, 'cmdline').split('\0').includes(program);
  return isOfUs ? parent : process.pid;
}
