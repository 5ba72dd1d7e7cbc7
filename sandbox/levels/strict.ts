import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FilterArch, hasFilter } from '../seccomp/bpf.js';
import { seccompFilter } from '../seccomp/filter.js';
import {
  becomeUser,
  closedToOthers,
  findProgram,
  isRoot,
  unreadableToOthers,
  unusedUserId,
} from './identity.js';
import type { ChildProgram, Launch, Launcher } from './level.js';
import { limitCommands, processesMax } from './limits.js';
import { nodeArguments } from './node-arguments.js';

/** User and group inside, and outside when the server is not root. */
const nobody = '65534';
const tmpBytes = 16_777_216;
const appFolder = '/app';
const nativeInside = `${appFolder}/bin/native`;
const nodeInside = `${appFolder}/bin/node`;

/** `dist`, and the folder that it stands in: the children see it as /app. */
const distFolder = realpathSync(fileURLToPath(new URL('../../', import.meta.url)));
const rootFolder = dirname(distFolder);

/** Programs and files of this host that level strict is made of. */
interface Means {
  arch: FilterArch;
  bwrap: string;
  /** Set when the server is root. */
  setpriv: string | undefined;
  node: string;
  /** Shared libraries of Node and of the shell, by the names under which the loader looks for them. */
  libraries: string[];
}

/** What is needed for level strict, or the first thing that is missing, in words. */
export function strictMeans(): Means | string {
  const { arch } = process;
  if (!hasFilter(arch)) return `there is no filter of system calls for ${arch}`;
  const bwrap = findProgram('bwrap');
  if (bwrap === undefined) return 'bubblewrap (bwrap) is not installed';
  const setpriv = isRoot() ? findProgram('setpriv') : undefined;
  if (isRoot() && setpriv === undefined) return 'the server is root and setpriv is not installed';
  const node = realpathSync(process.execPath);
  const libraries = [...new Set([...librariesOf(node), ...librariesOf('/bin/sh')])];
  if (isRoot())
    for (const file of [node, join(distFolder, 'sandbox')]) {
      const closed = closedToOthers(file);
      if (closed !== undefined) return `the server is root, and other users cannot read ${closed}`;
    }
  return { arch, bwrap, setpriv, node, libraries };
}

/** Libraries as glibc's loader resolves them for a program; none where the loader is another. */
function librariesOf(program: string): string[] {
  const listed = execFileSync(program, [], {
    env: { LD_TRACE_LOADED_OBJECTS: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 5000,
    encoding: 'utf8',
  });
  return [...listed.matchAll(/(?:=> |^\s*)(\/\S+) \(0x[0-9a-f]+\)$/gm)].map((match) => match[1] as string);
}

/** A part of glibc that native packages of models name and Node does not. */
function besideLibc(libraries: readonly string[]): string[] {
  const libc = libraries.find((file) => basename(file) === 'libc.so.6');
  const found = libc === undefined ? undefined : join(dirname(libc), 'librt.so.1');
  return found === undefined || libraries.includes(found) || !existsSync(found) ? [] : [found];
}

/** Where a child finds a file of ours. */
const insideApp = (file: string): string => join(appFolder, relative(rootFolder, file));
const insideModels = (file: string): string => `/models/${basename(file)}`;

/** Read-only views of what a child of this kind needs, and of nothing else. */
function binds(means: Means, { entry, limits, files, native, packages: named = [] }: ChildProgram): string[] {
  const views: [from: string, to: string][] = [
    ...means.libraries.map((file): [string, string] => [file, file]),
    ['/bin/sh', '/bin/sh'],
    [means.node, nodeInside],
  ];
  const program = [join(distFolder, 'sandbox'), join(rootFolder, 'package.json')];
  const folder = dirname(realpathSync(fileURLToPath(entry)));
  if (!`${folder}/`.startsWith(`${program[0]}/`)) program.push(folder);
  for (const file of program) views.push([file, insideApp(file)]);
  for (const file of files ?? []) views.push([realpathSync(file), insideModels(file)]);
  if (native !== undefined) views.push([native, nativeInside]);
  const packages = join(rootFolder, 'node_modules');
  for (const name of named) views.push([realpathSync(join(packages, name)), insideApp(join(packages, name))]);
  if (limits.kind === 'model' && existsSync(packages)) {
    views.push([realpathSync(packages), insideApp(packages)]);
    views.push(...besideLibc(means.libraries).map((file): [string, string] => [file, file]));
  }
  return views.flatMap(([from, to]) => ['--ro-bind', from, to]);
}

/**
 * Arguments of bubblewrap: every namespace of its own, none to be made inside; a root of read-only views, an empty /proc, since a
 * new one cannot be mounted in a container, and a small /tmp; no capability; gone with the server.
 */
function bubble(binds: string[], kind: ChildProgram['limits']['kind'], disableNamespaces: boolean): string[] {
  return [
    ...['--unshare-all', '--unshare-user', '--uid', nobody, '--gid', nobody],
    ...(disableNamespaces ? ['--disable-userns'] : []),
    ...['--die-with-parent', '--new-session', '--as-pid-1', '--clearenv'],
    ...['--cap-drop', 'ALL'],
    // The library of models asks for a home, for which there is no account, and looks for glibc under /usr/lib.
    ...(kind === 'model' ? ['--setenv', 'HOME', '/tmp', '--symlink', '../lib', '/usr/lib'] : []),
    ...binds,
    ...['--dev-bind', '/dev/null', '/dev/null'],
    ...['--size', '4096', '--tmpfs', '/proc', '--remount-ro', '/proc'],
    ...['--size', `${tmpBytes}`, '--perms', '1777', '--tmpfs', '/tmp', '--chdir', '/tmp'],
    ...['--remount-ro', '/', '--seccomp', '4', '--info-fd', '5', '--'],
  ];
}

export interface StrictOptions {
  means: Means;
  permissions: string | null;
  cpuSeconds: number;
  /**
   * Whether bubblewrap forbids further namespaces, which takes a /proc/sys that can be written to. In a container it cannot, and the filter
   * of system calls alone forbids them.
   */
  disableNamespaces: boolean;
}

/** Namespaces, mounts and limits by bubblewrap, and an allow-list of system calls. Linux. */
export function strictLauncher({
  means,
  permissions,
  cpuSeconds,
  disableNamespaces,
}: StrictOptions): Launcher {
  const filters = { worker: seccompFilter(means.arch, 'worker'), model: seccompFilter(means.arch, 'model') };
  return {
    level: 'strict',
    command: (program): Launch => {
      const { limits } = program;
      const entry = insideApp(realpathSync(fileURLToPath(program.entry)));
      const node =
        program.native !== undefined
          ? [nativeInside]
          : [nodeInside, ...nodeArguments({ program, permissions, folder: appFolder, entry })];
      // The limits are set inside, where the processes of the child's own user namespace are counted.
      const script = `unset PWD OLDPWD; ${limitCommands(limits, { cpuSeconds, processes: true })} && exec "$@"`;
      const args = bubble(binds(means, program), limits.kind, disableNamespaces);
      const command = [means.bwrap, ...args, '/bin/sh', '-c', script, 'sh', ...node];
      const whole =
        means.setpriv === undefined
          ? command
          : [means.setpriv, ...becomeUser(unusedUserId()), '--', ...command];
      return { program: whole[0] as string, args: whole.slice(1), filter: filters[limits.kind] };
    },
    inside: insideModels,
    unreadable: (file) => (means.setpriv === undefined ? undefined : unreadableToOthers(file)),
    holds: [
      'network: none (network namespace)',
      'files: read-only views of the program only, 16 MiB of /tmp, an empty /proc',
      'user: nobody, without capabilities, new privileges and further namespaces',
      'system calls: an allow-list (seccomp)',
      `processes: none beside threads, at most ${processesMax.worker} (a model: ${processesMax.model} of both)`,
      `processor: ${cpuSeconds} s a worker (RLIMIT_CPU)`,
      'memory bursts: RLIMIT_DATA',
      'core dumps: none',
      'written files: none (RLIMIT_FSIZE)',
      'lifetime: dies with the server, even when it hangs',
    ],
    lacks: [],
  };
}
