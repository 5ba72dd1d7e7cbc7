import { join } from 'node:path';
import { processesMax, processesUnlimited } from '../levels/limits.js';
import { delegate } from './delegated.js';
import { type Base, Group, type GroupOptions } from './group.js';
import { type GroupHost, hasCode } from './host.js';
import type { GroupLimits } from './limits.js';
import { type Controller, controllers, ownGroups } from './mounts.js';

/** `arkalia-PID-N`: group N that the server of this process id made. */
const groupName = /^arkalia-(\d+)-\d+$/;
let made = 0;

/** What each controller gives, in words. */
const gives: Record<Controller, string> = {
  memory: 'memory at most an eighth above the limit, all its processes together, no swap',
  pids: `processes and threads at most ${processesMax.worker} a worker, ${processesMax.model} a model`,
  cpu: 'processor: where it is contended all threads of a process have one share together',
};

/** The control groups of the children of this server: of which controllers, and why not of the rest. */
export class Groups {
  readonly #host: GroupHost | undefined;
  readonly #bases: Base[] = [];
  readonly #problems = new Map<Controller, string>();
  readonly #ending = new Set<Promise<void>>();

  private constructor(host: GroupHost | undefined) {
    this.#host = host;
  }

  /**
   * Finds the groups of ours in which children can have groups, tries to make one in each, and removes what a server that was killed has left.
   * Never throws: what cannot be had is told by `lacks`.
   */
  static open(host: GroupHost | undefined): Groups {
    const groups = new Groups(host);
    if (host === undefined) groups.refuse('only Linux has them');
    else
      try {
        groups.#find(host);
      } catch (error) {
        groups.refuse(problemOf(error));
      }
    return groups;
  }

  /** Whether anything is limited by a group. */
  get any(): boolean {
    return this.#bases.length > 0;
  }

  holds(): string[] {
    return this.#bases.flatMap(({ version, controllers: held }) =>
      held.map((one) => `control group (v${version}): ${gives[one]}`),
    );
  }

  lacks(): string[] {
    const reasons = [...new Set(this.#problems.values())];
    return reasons.map((reason) => {
      const names = controllers.filter((one) => this.#problems.get(one) === reason);
      return `control groups: ${names.join(', ')}: ${reason}`;
    });
  }

  /** Whether this controller limits children. */
  limits(controller: Controller): boolean {
    return this.#bases.some((base) => base.controllers.includes(controller));
  }

  /** What a level holds and lacks, with what the groups add to it. */
  beside(level: { holds: string[]; lacks: string[] }): { holds: string[]; lacks: string[] } {
    const lacks = level.lacks.filter((text) => text !== processesUnlimited || !this.limits('pids'));
    return { holds: [...level.holds, ...this.holds()], lacks: [...lacks, ...this.lacks()] };
  }

  /** Does without groups from now on. */
  refuse(reason: string): void {
    this.#bases.length = 0;
    for (const one of controllers) if (!this.#problems.has(one)) this.#problems.set(one, reason);
  }

  /** A group for one child; undefined where there are none. When one cannot be made any more, `lacks` says so. */
  make(limits: GroupLimits): Group | undefined {
    const host = this.#host;
    if (host === undefined || !this.any) return undefined;
    try {
      return Group.make(this.#options([...this.#bases], host), limits);
    } catch (error) {
      this.refuse(problemOf(error));
      return undefined;
    }
  }

  /** Resolves when the groups of children that have gone are removed. */
  async close(): Promise<void> {
    await Promise.all(this.#ending);
  }

  #options(bases: Base[], host: GroupHost): GroupOptions {
    made += 1;
    const onEnding = (ending: Promise<void>) => {
      const whole = ending.catch((error: unknown) => this.refuse(problemOf(error)));
      this.#ending.add(whole);
      void whole.then(() => this.#ending.delete(whole));
    };
    return { bases, name: `arkalia-${host.pid}-${made}`, host, onEnding };
  }

  #find(host: GroupHost): void {
    const own = ownGroups(host.cgroup, host.mountinfo);
    if (own.v2 !== undefined) this.#findV2(own.v2, host);
    for (const controller of controllers) {
      const folder = own.v1[controller];
      if (folder === undefined || this.limits(controller)) continue;
      // Two controllers may share a hierarchy.
      const shared = this.#bases.find((base) => base.folder === folder);
      if (shared === undefined) this.#try({ version: 1, folder, controllers: [controller] }, host);
      else shared.controllers.push(controller);
    }
    for (const controller of controllers)
      if (!this.limits(controller) && !this.#problems.has(controller))
        this.#problems.set(controller, notOffered(controller, own.v2));
  }

  #findV2(own: string, host: GroupHost): void {
    try {
      const { folder, usable, problems } = delegate(own, controllers, host);
      for (const [controller, problem] of problems) this.#problems.set(controller, problem);
      if (usable.length > 0) this.#try({ version: 2, folder, controllers: usable }, host);
    } catch (error) {
      for (const one of controllers) this.#problems.set(one, problemOf(error));
    }
  }

  /** Makes a group as children will have it, and removes it. */
  #try(base: Base, host: GroupHost): void {
    try {
      removeLeft(base.folder, host);
      const limits = { memoryBytes: 1_073_741_824, processes: 64 };
      const options = this.#options([base], host);
      Group.make(options, limits);
      host.removeFolder(join(base.folder, options.name));
      this.#bases.push(base);
      for (const one of base.controllers) this.#problems.delete(one);
    } catch (error) {
      for (const one of base.controllers) this.#problems.set(one, problemOf(error));
    }
  }
}

/** Removes the groups of servers that are gone. One with a process in it stays. */
function removeLeft(folder: string, host: GroupHost): void {
  for (const name of host.folders(folder)) {
    const pid = groupName.exec(name)?.[1];
    if (pid === undefined || host.isRunning(Number(pid))) continue;
    try {
      host.removeFolder(join(folder, name));
    } catch (error) {
      if (!hasCode(error, 'EBUSY', 'ENOENT', 'EACCES', 'EPERM')) throw error;
    }
  }
}

function notOffered(controller: Controller, v2: string | undefined): string {
  const where = v2 === undefined ? 'no hierarchy with it is mounted' : `${v2} does not offer it`;
  return controller === 'memory'
    ? `${where} (on a Raspberry Pi: cgroup_enable=memory in cmdline.txt)`
    : where;
}

/** What went wrong with which file. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || path === undefined) return error.message;
  if (code === 'EROFS') return `${path} is read-only`;
  return ['EACCES', 'EPERM'].includes(code) ? `${path} is not writable` : `${path}: ${code}`;
}
