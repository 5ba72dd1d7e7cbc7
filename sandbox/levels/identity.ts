import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The first file of this name among the places where programs are installed; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  const folders = ['/usr/bin', '/bin', '/usr/local/bin', ...(process.env.PATH ?? '').split(':')];
  return folders
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether this server runs as root, so that children must become someone else first: root is above several limits. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * First of the user ids that systemd's list leaves to nobody (UIDS-GIDS.md: 1879048192 to 2147352575). A child gets one of its own, so
 * that what is counted by user, such as processes, is counted by child, and no child can touch another.
 */
const firstId = 0x7000_0000;
const idsPerServer = 1024;
let taken = 0;

/** A user id that no account has; another at each call, until they come round. */
export function unusedUserId(): number {
  taken = (taken + 1) % idsPerServer;
  return firstId + (process.pid % 65_536) * idsPerServer + taken;
}

/** Arguments of setpriv that make a process of root's this user, without groups and without ways back. */
export function becomeUser(id: number): string[] {
  return ['--reuid', `${id}`, '--regid', `${id}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs'];
}

/** The first part of a path that someone without rights of their own cannot pass or read; undefined when all can. */
export function closedToOthers(file: string): string | undefined {
  const needed = (path: string) => (path === file && !statSync(path).isDirectory() ? 0o4 : 0o1);
  for (let path = file, above = ''; path !== above; path = dirname(path)) {
    if ((statSync(path).mode & needed(path)) === 0) return path;
    above = path;
  }
  return undefined;
}

/** Why a child of a server that is root could not read a file. */
export function unreadableToOthers(file: string): string | undefined {
  const closed = closedToOthers(realpathSync(file));
  return closed === undefined
    ? undefined
    : `The server is root, and the user that models run as cannot read ${closed}; make it readable for all.`;
}
