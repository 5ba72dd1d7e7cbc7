import { access, constants, open, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { controlSocketPath } from '../../data-folder/control-socket.js';
import type { Check, Finding } from './finding.js';

const check = 'data folder';

/** Whether this user can write the data folder, and others can not look into it. Makes nothing that stays. */
export const dataFolderCheck: Check = {
  name: check,
  run: async ({ config }) => {
    const path = resolve(config.ok ? config.loaded.config.data_dir : 'data');
    const fault = await writeFault(path);
    if (fault !== undefined) {
      const todo = `Run as the user who owns it, or choose another data_dir. This user is ${process.getuid?.() ?? 'unknown'}.`;
      return [{ check, level: 'fatal', found: `${path} cannot be written (${fault})`, todo }];
    }
    controlSocketPath(path);
    return [await privacy(path)];
  },
};

async function writeFault(path: string): Promise<string | undefined> {
  const probe = join(path, `.doctor-${process.pid}`);
  try {
    await (await open(probe, 'wx', 0o600)).close();
    await rm(probe);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return parentFault(dirname(path));
    return code ?? String(error);
  }
}

/** A folder that is not there yet is made at the first start, so its nearest parent must be writable. */
async function parentFault(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(path) !== path) return parentFault(dirname(path));
    return code ?? String(error);
  }
}

async function privacy(path: string): Promise<Finding> {
  let mode: number;
  try {
    mode = (await stat(path)).mode;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { check, level: 'ok', found: `${path} will be made at the first start` };
  }
  if ((mode & 0o077) === 0) return { check, level: 'ok', found: `${path} is writable and private` };
  const found = `other users of this machine can reach into ${path} (mode ${(mode & 0o777).toString(8)})`;
  return { check, level: 'warning', found, todo: `Run: chmod 700 ${path}` };
}
