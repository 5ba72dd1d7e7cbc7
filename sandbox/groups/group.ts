import { join } from 'node:path';
import { type GroupHost, hasCode } from './host.js';
import { type GroupLimits, killsFile, settings } from './limits.js';
import type { Controller } from './mounts.js';

/** A folder in which groups of ours can be made, and what limits those. */
export interface Base {
  version: 1 | 2;
  folder: string;
  controllers: Controller[];
}

export interface GroupOptions {
  bases: readonly Base[];
  name: string;
  host: GroupHost;
  /** Given what resolves when the group has gone, or would not go. */
  onEnding: (ending: Promise<void>) => void;
}

/** A group goes a moment after its last process. */
const removeLookMs = 20;
const removeLooksMax = 100;

/**
 * Where a shell, which has one thread, writes 0 to move itself. Version 1 moves a thread without the lock that waits for every processor
 * to have passed a grace period, which under load is tens of milliseconds a hierarchy; version 2 moves whole processes only.
 */
const enterFile = { 1: 'tasks', 2: 'cgroup.procs' } as const;

/** Enters the groups whose files come before `--`, then becomes the program behind it. */
const enter = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"';

/** The group of one child: a folder of one name in each base. */
export class Group {
  readonly #bases: readonly Base[];
  readonly #name: string;
  readonly #host: GroupHost;
  readonly #onEnding: (ending: Promise<void>) => void;
  #outOfMemory = false;

  private constructor({ bases, name, host, onEnding }: GroupOptions) {
    this.#bases = bases;
    this.#name = name;
    this.#host = host;
    this.#onEnding = onEnding;
  }

  /** @throws Error of the file system; nothing is left then. */
  static make(options: GroupOptions, limits: GroupLimits): Group {
    const { bases, name, host } = options;
    const made: Base[] = [];
    try {
      for (const base of bases) {
        const folder = join(base.folder, name);
        host.makeFolder(folder);
        made.push(base);
        for (const controller of base.controllers)
          for (const { file, value, optional } of settings(base.version, controller, limits))
            write(join(folder, file), value, optional === true, host);
      }
      return new Group(options);
    } catch (error) {
      for (const base of made) host.removeFolder(join(base.folder, name));
      throw error;
    }
  }

  /** A command that is in the group before it is what was asked for, and with it all that it starts. */
  entering(program: string, args: readonly string[]): { program: string; args: string[] } {
    const files = this.#bases.map(({ version, folder }) => join(folder, this.#name, enterFile[version]));
    return { program: '/bin/sh', args: ['-c', enter, 'sh', ...files, '--', program, ...args] };
  }

  /** Whether something in it was killed for memory; known for good once `end` was called. */
  outOfMemory(): boolean {
    const memory = this.#bases.find(({ controllers }) => controllers.includes('memory'));
    if (this.#outOfMemory || memory === undefined) return this.#outOfMemory;
    const file = join(memory.folder, this.#name, killsFile(memory.version));
    try {
      this.#outOfMemory = Number(/^oom_kill (\d+)$/m.exec(this.#host.read(file))?.[1] ?? 0) > 0;
    } catch (error) {
      // It is removed.
      if (!hasCode(error, 'ENOENT', 'ENODEV')) throw error;
    }
    return this.#outOfMemory;
  }

  /** Its child has gone: what is left in it is killed, and the group removed a moment later. */
  end(): void {
    this.outOfMemory();
    this.#onEnding(this.#remove());
  }

  async #remove(): Promise<void> {
    for (let looks = 0; looks < removeLooksMax; looks += 1) {
      if (this.#folders().filter((folder) => !this.#removed(folder)).length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, removeLookMs));
    }
  }

  #folders(): string[] {
    return this.#bases.map(({ folder }) => join(folder, this.#name));
  }

  #removed(folder: string): boolean {
    try {
      for (const pid of this.#host.read(join(folder, 'cgroup.procs')).split('\n').map(Number))
        if (pid > 0) this.#host.kill(pid);
      this.#host.removeFolder(folder);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENODEV')) return true;
      if (hasCode(error, 'EBUSY')) return false;
      throw error;
    }
  }
}

function write(file: string, value: string, optional: boolean, host: GroupHost): void {
  try {
    host.write(file, value);
  } catch (error) {
    if (!optional || !hasCode(error, 'ENOENT', 'EOPNOTSUPP', 'EINVAL')) throw error;
  }
}
