import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildProgram, Launcher } from './level.js';
import { limitCommands } from './limits.js';
import { nodeArguments } from './node-arguments.js';

const distFolder = realpathSync(fileURLToPath(new URL('../../', import.meta.url)));
const rootFolder = dirname(distFolder);

/** A path as a string of the profile language, which is Scheme's. */
const quoted = (path: string): string => `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Every folder above a path, so that a program can find its way to it. */
function above(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...above(parent), parent];
}

/**
 * The profile of sandbox-exec for a program: everything is denied but reading what it needs, its own threads and memory, and becoming
 * Node. A model may use the graphics processor and start Node once more.
 */
export function seatbeltProfile({ entry, limits, files, packages = [] }: ChildProgram, node: string): string {
  const model = limits.kind === 'model';
  const program = [join(distFolder, 'sandbox'), dirname(realpathSync(fileURLToPath(entry)))];
  for (const name of packages) program.push(realpathSync(join(rootFolder, 'node_modules', name)));
  if (model) program.push(realpathSync(join(rootFolder, 'node_modules')), join(rootFolder, 'node_modules'));
  const folders = [
    ...new Set([...program, '/usr/lib', '/System/Library', '/System/Volumes/Preboot/Cryptexes/OS']),
  ];
  const single = [node, '/bin/sh', '/dev/null', '/dev/urandom', join(rootFolder, 'package.json')];
  single.push(...(files ?? []).map((file) => realpathSync(file)));
  const passed = new Set([...folders, ...single].flatMap(above));
  return [
    '(version 1)',
    '(deny default)',
    '(deny network*)',
    `(allow process-exec (literal ${quoted(node)}) (literal "/bin/sh"))`,
    ...(model ? ['(allow process-fork)', '(allow iokit-open)'] : []),
    '(allow sysctl-read)',
    '(allow signal (target self))',
    '(allow mach-lookup (global-name "com.apple.system.notification_center"))',
    ...folders.map((folder) => `(allow file-read* file-map-executable (subpath ${quoted(folder)}))`),
    ...single.map((file) => `(allow file-read* file-map-executable (literal ${quoted(file)}))`),
    ...[...passed].map((folder) => `(allow file-read-metadata (literal ${quoted(folder)}))`),
    '(allow file-read-data (literal "/"))',
  ].join('\n');
}

/** A profile of Apple's sandbox-exec around each child. macOS. */
export function seatbeltLauncher(options: { permissions: string | null; cpuSeconds: number }): Launcher {
  const { permissions, cpuSeconds } = options;
  const node = realpathSync(process.execPath);
  return {
    level: 'seatbelt',
    command: (program) => {
      const entry = realpathSync(fileURLToPath(program.entry));
      const args = nodeArguments({ program, permissions, folder: distFolder, entry });
      const script = `${limitCommands(program.limits, { cpuSeconds, processes: false })} && exec "$@"`;
      const profile = seatbeltProfile(program, node);
      const command = ['/usr/bin/sandbox-exec', '-p', profile, '/usr/bin/env', '-i', node, ...args];
      return { program: '/bin/sh', args: ['-c', script, 'sh', ...command] };
    },
    inside: (file) => file,
    unreadable: () => undefined,
    holds: [
      'network: none (sandbox-exec)',
      'files: reads of the program and the system libraries only, no writes (sandbox-exec)',
      'processes: a worker starts none (sandbox-exec)',
      `processor: ${cpuSeconds} s a worker (RLIMIT_CPU)`,
      'core dumps: none',
      'written files: none (RLIMIT_FSIZE)',
    ],
    lacks: [
      'memory bursts: macOS does not keep RLIMIT_DATA',
      'lifetime: a worker in an endless loop outlives a server that is killed',
      'user: the same as the server',
    ],
  };
}
