import { encodeFrame } from './frames.js';
import type { ChildLimits, Launch, Launcher } from './levels/level.js';
import { permissionFlag } from './levels/node-arguments.js';
import { processLauncher, wrappings } from './levels/process.js';
import { seatbeltLauncher } from './levels/seatbelt.js';
import { strictLauncher, strictMeans } from './levels/strict.js';
import { endLaunch, startLaunch } from './start.js';
import { type SandboxLevel, sandboxLevels } from './types.js';

const tryTimeoutMs = 10_000;
const stderrKept = 4096;

export interface Found {
  launcher: Launcher;
  /** Why it is not stronger; absent at the strongest level. */
  short?: string;
}

/** Whether a child started so comes up, says what it should and nothing else; else what it said, in a line. */
function tryLaunch(launch: Launch, cwd: string): Promise<true | string> {
  return new Promise((resolve) => {
    const child = startLaunch(launch, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
    const said: Buffer[] = [];
    let complaint = '';
    const late = setTimeout(() => endLaunch(child, undefined), tryTimeoutMs);
    child.stdout?.on('data', (chunk: Buffer) => said.push(chunk));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, stderrKept);
    });
    const settle = (result: true | string) => {
      clearTimeout(late);
      resolve(result);
    };
    child.on('error', (error) => settle(error.message));
    child.on('close', (code, signal) => {
      if (code === 0 && complaint === '' && Buffer.concat(said).equals(encodeFrame('ready'))) settle(true);
      else settle(complaint.trim().split('\n')[0] || `it ended with ${signal ?? code}`);
    });
  });
}

export interface FindOptions {
  memoryBytes: number;
  cpuSeconds: number;
  /** Where children stand; anyone must be able to enter it. */
  cwd: string;
  /** The levels that may be chosen. */
  levels?: readonly SandboxLevel[];
}

/** Tries, from most to least, what this host can do; takes the first that works. A level that fails is not claimed. */
export async function findLauncher(options: FindOptions): Promise<Found> {
  const { memoryBytes, cpuSeconds, cwd, levels = sandboxLevels } = options;
  const permissions = permissionFlag();
  const limits: ChildLimits = { kind: 'worker', memoryBytes };
  const probe = new URL('./probe.js', import.meta.url);
  const attempt = (launcher: Launcher) => tryLaunch(launcher.command({ entry: probe, limits }), cwd);
  const short: string[] = [];
  if (levels.includes('strict') && process.platform === 'linux') {
    const means = strictMeans();
    if (typeof means === 'string') short.push(`strict: ${means}`);
    else {
      let works: true | string = '';
      for (const disableNamespaces of [true, false]) {
        const launcher = strictLauncher({ means, permissions, cpuSeconds, disableNamespaces });
        works = await attempt(launcher);
        if (works === true) return { launcher };
      }
      short.push(`strict: bubblewrap does not work here (${works})`);
    }
  }
  if (levels.includes('seatbelt') && process.platform === 'darwin') {
    const launcher = seatbeltLauncher({ permissions, cpuSeconds });
    const works = await attempt(launcher);
    if (works === true) return { launcher };
    short.push(`seatbelt: sandbox-exec does not work here (${works})`);
  }
  for (const wrapping of wrappings(permissions)) {
    const launcher = processLauncher(wrapping, cpuSeconds);
    if ((await attempt(launcher)) === true) return found(launcher, short);
  }
  const bare = { shellLimits: false, dieWithParent: false, ownUser: false, permissions: null };
  return found(processLauncher(bare, cpuSeconds), short);
}

function found(launcher: Launcher, short: string[]): Found {
  return { launcher, short: short.join('; ') || 'no stronger level was asked for' };
}
