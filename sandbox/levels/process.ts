import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { becomeUser, findProgram, isRoot, unreadableToOthers, unusedUserId } from './identity.js';
import type { Launcher } from './level.js';
import { limitCommands, processesMax, processesUnlimited } from './limits.js';
import { nodeArguments } from './node-arguments.js';

const distFolder = realpathSync(fileURLToPath(new URL('../../', import.meta.url)));

/** A process that is limited before it becomes Node; each step replaces the shell or the one before it. */
export interface Wrapping {
  shellLimits: boolean;
  dieWithParent: boolean;
  /** Whether children of a server that is root become another user. */
  ownUser: boolean;
  permissions: string | null;
}

/** What can be tried on this host, from most to least. */
export function wrappings(permissions: string | null): Wrapping[] {
  const setpriv = findProgram('setpriv') !== undefined;
  const linux = process.platform === 'linux' && setpriv;
  const all = [
    { shellLimits: true, dieWithParent: linux, ownUser: linux && isRoot(), permissions },
    { shellLimits: true, dieWithParent: linux, ownUser: false, permissions },
    { shellLimits: true, dieWithParent: linux, ownUser: false, permissions: null },
    { shellLimits: true, dieWithParent: false, ownUser: false, permissions },
    { shellLimits: true, dieWithParent: false, ownUser: false, permissions: null },
    { shellLimits: false, dieWithParent: false, ownUser: false, permissions },
  ];
  return all.filter((one, i) => i === 0 || JSON.stringify(one) !== JSON.stringify(all[i - 1]));
}

/** A child process with limits and an empty environment. Everywhere. */
export function processLauncher(wrapping: Wrapping, cpuSeconds: number): Launcher {
  const { shellLimits, dieWithParent, ownUser, permissions } = wrapping;
  return {
    level: 'process',
    command: (program) => {
      const { limits, native } = program;
      const entry = realpathSync(fileURLToPath(program.entry));
      const node = [process.execPath, ...nodeArguments({ program, permissions, folder: distFolder, entry })];
      const [first, ...args] = native === undefined ? node : [native];
      if (!shellLimits) return { program: first as string, args };
      const steps = dieWithParent
        ? ['setpriv', ...(ownUser ? becomeUser(unusedUserId()) : []), '--pdeathsig', 'KILL']
        : [];
      // Processes are counted by user, so they can be limited only where the user is the child's own. The shell puts names of its own
      // into the environment, so it is emptied again behind it.
      const rules = limitCommands(limits, { cpuSeconds, processes: ownUser });
      const script = `${rules} && PATH=/usr/bin:/bin && exec "$@"`;
      const home = ownUser && limits.kind === 'model' ? ['HOME=/tmp'] : [];
      const command = [...steps, '/usr/bin/env', '-i', ...home, ...(native === undefined ? node : [native])];
      return { program: '/bin/sh', args: ['-c', script, 'sh', ...command] };
    },
    inside: (file) => file,
    unreadable: (file) => (ownUser ? unreadableToOthers(file) : undefined),
    ...whatHolds(wrapping, cpuSeconds),
  };
}

function whatHolds(wrapping: Wrapping, cpuSeconds: number): { holds: string[]; lacks: string[] } {
  const { shellLimits, dieWithParent, ownUser, permissions } = wrapping;
  const holds: string[] = [];
  const lacks = ['network: reachable'];
  if (permissions === null) lacks.push('file system: readable with the rights of its user');
  else {
    holds.push(
      "file system: reads of the program only, no writes, no child processes (Node's permission model)",
    );
    lacks.push("file system: Node's permission model contains faults, not malice, and no model");
  }
  if (shellLimits) {
    holds.push('core dumps: none', 'written files: none (RLIMIT_FSIZE)', 'open files: 64, a model 1024');
    holds.push(`processor: ${cpuSeconds} s a worker (RLIMIT_CPU)`);
    if (process.platform === 'linux') holds.push('memory bursts: RLIMIT_DATA');
  } else lacks.push('resource limits: no shell to set them');
  if (dieWithParent) holds.push('lifetime: dies with the server, even when it hangs');
  else lacks.push('lifetime: a worker in an endless loop outlives a server that is killed');
  if (ownUser)
    holds.push(`user: one of its own without rights, at most ${processesMax.worker} processes and threads`);
  else lacks.push('user: the same as the server', processesUnlimited);
  return { holds, lacks };
}
