import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { GroupHost } from '../../sandbox/groups/host.js';

const failure = (code: string, path: string) => Object.assign(new Error(code), { code, path });
const filesOf: Record<string, string[]> = {
  memory: ['memory.max', 'memory.events', 'memory.oom.group'],
  pids: ['pids.max'],
  cpu: ['cpu.weight'],
};

/**
 * Control groups of version 2 in plain files below a temporary folder, with the rules of the kernel that matter here: a group with processes
 * hands no controller on, a child has the files of what its parent hands on, only an empty group can be removed.
 */
export class CgroupModel implements GroupHost {
  readonly root = mkdtempSync(join(tmpdir(), 'arkalia-cgroup-'));
  /** What was done, in order. */
  readonly log: string[] = [];
  readonly pid = 100;
  cgroup: string;
  readonly mountinfo: string;
  readonly ours = new Set([100]);
  readonly running = new Set([100]);
  readonly killed: number[] = [];
  /** Folders in which nothing can be changed, and the error that says so. */
  refuses: Record<string, string> = {};

  /** The server is in the group `path` with these processes, and that group offers the controllers. */
  constructor(
    readonly path: string,
    options: { offered?: string; procs?: number[]; handedOn?: string } = {},
  ) {
    const { offered = 'cpu io memory pids', procs = [100], handedOn = '' } = options;
    this.cgroup = `0::/${path}\n`;
    this.mountinfo = `30 23 0:26 / ${this.root} rw,nosuid - cgroup2 cgroup2 rw\n`;
    mkdirSync(this.own, { recursive: true });
    this.#fill(this.own, offered.split(' '));
    writeFileSync(join(this.own, 'cgroup.procs'), procs.map((pid) => `${pid}\n`).join(''));
    writeFileSync(join(this.own, 'cgroup.subtree_control'), handedOn);
  }

  get own(): string {
    return join(this.root, this.path);
  }

  read(file: string): string {
    return readFileSync(file, 'utf8');
  }

  write(file: string, text: string): void {
    const folder = dirname(file);
    this.#allowed(folder, file);
    if (!existsSync(file)) throw failure('ENOENT', file);
    this.log.push(`${relative(this.root, file)} < ${text}`);
    if (file.endsWith('/cgroup.procs')) this.enter(folder, Number(text));
    else if (file.endsWith('/cgroup.subtree_control')) this.#handOn(folder, text.slice(1), file);
    else writeFileSync(file, text);
  }

  makeFolder(folder: string): void {
    this.#allowed(dirname(folder), folder);
    this.log.push(`mkdir ${relative(this.root, folder)}`);
    mkdirSync(folder);
    this.#fill(folder, this.read(join(dirname(folder), 'cgroup.subtree_control')).split(' '));
  }

  removeFolder(folder: string): void {
    if (!existsSync(folder)) throw failure('ENOENT', folder);
    if (this.read(join(folder, 'cgroup.procs')) !== '') throw failure('EBUSY', folder);
    this.log.push(`rmdir ${relative(this.root, folder)}`);
    rmSync(folder, { recursive: true });
  }

  folders(folder: string): string[] {
    return readdirSync(folder, { withFileTypes: true }).flatMap((one) =>
      one.isDirectory() ? [one.name] : [],
    );
  }

  isRunning(pid: number): boolean {
    return this.running.has(pid);
  }

  isOurs(pid: number): boolean {
    return this.ours.has(pid);
  }

  kill(pid: number): void {
    this.killed.push(pid);
    this.#leave(pid);
  }

  /** A process moves into a group. */
  enter(folder: string, pid: number): void {
    this.#leave(pid);
    const file = join(folder, 'cgroup.procs');
    writeFileSync(file, `${this.read(file)}${pid}\n`);
  }

  close(): void {
    rmSync(this.root, { recursive: true });
  }

  #allowed(folder: string, file: string): void {
    const code = this.refuses[relative(this.root, folder)];
    if (code !== undefined) throw failure(code, file);
  }

  #fill(folder: string, controllers: string[]): void {
    const offered = controllers.filter((one) => one !== '');
    for (const file of ['cgroup.procs', 'cgroup.subtree_control']) writeFileSync(join(folder, file), '');
    if (folder !== this.root) writeFileSync(join(folder, 'cgroup.type'), 'domain\n');
    writeFileSync(join(folder, 'cgroup.controllers'), `${offered.join(' ')}\n`);
    for (const file of offered.flatMap((one) => filesOf[one] ?? [])) writeFileSync(join(folder, file), '');
  }

  #handOn(folder: string, controller: string, file: string): void {
    if (folder !== this.root && this.read(join(folder, 'cgroup.procs')) !== '') throw failure('EBUSY', file);
    writeFileSync(file, `${this.read(file)} ${controller}`.trim());
    for (const name of this.folders(folder))
      for (const one of filesOf[controller] ?? []) writeFileSync(join(folder, name, one), '');
  }

  #leave(pid: number): void {
    for (const name of ['.', ...readdirSync(this.root, { recursive: true, encoding: 'utf8' })]) {
      const file = join(this.root, name, 'cgroup.procs');
      if (!existsSync(file)) continue;
      const left = this.read(file)
        .split('\n')
        .filter((line) => line !== '' && line !== String(pid));
      writeFileSync(file, left.map((line) => `${line}\n`).join(''));
    }
  }
}
