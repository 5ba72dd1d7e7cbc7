import { dirname, join } from 'node:path';
import type { ChildProgram } from './level.js';

const mebibyte = 1_048_576;

/** Node's permission model, under the name that this version knows; null where there is none. */
export function permissionFlag(): string | null {
  const flags = process.allowedNodeEnvironmentFlags;
  if (flags.has('--permission')) return '--permission';
  return flags.has('--experimental-permission') ? '--experimental-permission' : null;
}

/** Arguments of Node for a child: the bound of its heap, its permissions, its file. */
export function nodeArguments(options: {
  program: ChildProgram;
  /** The flag of the permission model, or null to do without. */
  permissions: string | null;
  /** Folder that it may read, where the permission model holds. */
  folder: string;
  entry: string;
}): string[] {
  const { program, permissions, folder, entry } = options;
  const { limits, probe, packages = [] } = program;
  const heapBytes = Math.max(limits.memoryBytes - 64 * mebibyte, 32 * mebibyte);
  const args = [`--max-old-space-size=${Math.floor(heapBytes / mebibyte)}`];
  // A model is native code, which the permission model forbids to load.
  if (limits.kind === 'worker' && permissions !== null && probe === undefined) {
    if (permissions.includes('experimental')) args.push('--disable-warning=ExperimentalWarning');
    args.push(permissions, `--allow-fs-read=${folder}/`);
    for (const name of packages) args.push(`--allow-fs-read=${join(dirname(folder), 'node_modules', name)}/`);
  }
  return [...args, entry, ...(probe === undefined ? [] : [probe.argument])];
}
