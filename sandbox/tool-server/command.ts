import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GroupLimits, hardBytes } from '../groups/limits.js';
import { becomeUser, findProgram, unusedUserId } from '../levels/identity.js';
import type { Launch } from '../levels/level.js';
import { hasFilter } from '../seccomp/bpf.js';
import { serverFilter } from '../seccomp/server-filter.js';
import type { ToolServerSpec } from '../types.js';

const nobody = '65534';
const tmpBytes = 67_108_864;
const filesMax = 256;
const processesMax = 64;
/** What RLIMIT_DATA grants above the memory limit: Node reserves address space for code. */
const reservedBytes = 671_088_640;

/** Folders of the system in which programs and their libraries are installed. */
const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/opt'];
/** Of /etc only what programs need to start and to check certificates. */
const systemFiles = [
  '/etc/ld.so.cache',
  '/etc/alternatives',
  '/etc/ssl',
  '/etc/ca-certificates',
  '/etc/localtime',
];
const relayPort = 3128;
const relayFile = '/run/arkalia/relay.mjs';
const relaySocket = '/run/arkalia/proxy.sock';
const devices = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom'];

/** What the control group of a tool server grants. */
export const toolServerLimits = (memoryBytes: number): GroupLimits => ({
  memoryBytes: hardBytes(memoryBytes),
  processes: processesMax,
});

/** Programs of this host that level strict needs. */
export interface ServerMeans {
  bwrap: string;
  /** Set when the server is root. */
  setpriv: string | undefined;
}

/** The file of a command; @throws Error when there is none. */
function programOf(command: string): string {
  const file = isAbsolute(command) ? command : findProgram(command);
  if (file === undefined || !existsSync(file)) throw new Error(`there is no program ${command}`);
  return realpathSync(file);
}

function limits({ memoryBytes }: ToolServerSpec, ownUser: boolean): string {
  const rules = [
    'ulimit -c 0',
    `ulimit -n ${filesMax}`,
    `ulimit -d ${Math.ceil((memoryBytes + reservedBytes) / 1024)}`,
  ];
  // Processes are counted by user, so they can be limited only where the user is its own.
  if (ownUser) rules.push(`{ ulimit -u ${processesMax} 2>&- || ulimit -p ${processesMax}; }`);
  return rules.join(' && ');
}

/** Read-only views of the system; a folder that is a link stays one. */
function systemViews(): string[] {
  return [...systemFolders, ...systemFiles]
    .filter(existsSync)
    .flatMap((path) =>
      lstatSync(path).isSymbolicLink() && systemFolders.includes(path)
        ? ['--symlink', readlinkSync(path), path]
        : ['--ro-bind', realpathSync(path), path],
    );
}

/** What leads out to a proxy: a relay of ours on loopback, inside, and the variables by which programs find it. */
function relayTo(socket: string): {
  node: string;
  env: Record<string, string>;
  binds: string[];
  command: string[];
} {
  const node = realpathSync(process.execPath);
  const address = `http://127.0.0.1:${relayPort}`;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];
  return {
    node,
    env: { ...Object.fromEntries(names.map((name) => [name, address])), NODE_USE_ENV_PROXY: '1' },
    binds: [
      ...['--ro-bind', realpathSync(fileURLToPath(new URL('./relay.js', import.meta.url))), relayFile],
      ...['--ro-bind', socket, relaySocket],
    ],
    command: [node, relayFile, relaySocket, `${relayPort}`],
  };
}

/** Every namespace of its own (so no network), the system and the listed folders as views, the listed variables, and nothing else. */
export function strictServer(spec: ToolServerSpec, { bwrap, setpriv }: ServerMeans): Launch {
  const program = programOf(spec.command);
  const relay = spec.proxy === undefined ? undefined : relayTo(spec.proxy);
  const outsideOfSystem = [program, ...(relay === undefined ? [] : [relay.node])].filter(
    (file) => !systemFolders.some((folder) => file.startsWith(`${folder}/`)),
  );
  const folders = spec.folders.flatMap(({ path, write }) => {
    if (!existsSync(path)) throw new Error(`there is no folder ${path}`);
    return [write ? '--bind' : '--ro-bind', realpathSync(path), path];
  });
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', ...relay?.env, ...spec.env };
  const { arch } = process;
  const filter = hasFilter(arch) ? serverFilter(arch) : undefined;
  const args = [
    ...['--unshare-all', '--unshare-user', '--uid', nobody, '--gid', nobody],
    ...['--die-with-parent', '--new-session', '--clearenv', '--cap-drop', 'ALL'],
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...systemViews(),
    ...(relay?.binds ?? []),
    ...devices.flatMap((device) => ['--dev-bind', device, device]),
    ...['--size', '4096', '--tmpfs', '/proc', '--remount-ro', '/proc'],
    ...['--size', `${tmpBytes}`, '--perms', '1777', '--tmpfs', '/tmp', '--chdir', '/tmp'],
    // After /tmp, so that a program or a listed folder below it is seen.
    ...outsideOfSystem.flatMap((file) => ['--ro-bind', file, file]),
    ...folders,
    ...['--remount-ro', '/', ...(filter === undefined ? [] : ['--seccomp', '4']), '--'],
  ];
  const script = `unset PWD OLDPWD; ${limits(spec, true)} && exec "$@"`;
  const command = [
    bwrap,
    ...args,
    '/bin/sh',
    '-c',
    script,
    'sh',
    ...(relay?.command ?? []),
    program,
    ...spec.args,
  ];
  const whole = setpriv === undefined ? command : [setpriv, ...becomeUser(unusedUserId()), '--', ...command];
  return {
    program: whole[0] as string,
    args: whole.slice(1),
    ...(filter === undefined ? {} : { filter }),
  };
}

/** Limits and the listed variables, nothing more: files and network are reached with the rights of this server. */
export function plainServer(spec: ToolServerSpec): Launch {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', ...spec.env };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const command = ['/usr/bin/env', '-i', ...variables, programOf(spec.command), ...spec.args];
  return { program: '/bin/sh', args: ['-c', `${limits(spec, false)} && exec "$@"`, 'sh', ...command] };
}
