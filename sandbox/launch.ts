import { encodeFrame } from './frames.js';
import { Groups } from './groups/groups.js';
import { groupHost } from './groups/host.js';
import { groupLimits } from './groups/limits.js';
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
  /** The control groups that its children are in; what they hold is not among what the launcher says. */
  groups: Groups;
  /** Why it is not stronger; absent at the strongest level. */
  short?: string;
}

/** Whether a child started so comes up, says what it should and nothing else; else what it said, in a line. */
function tryLaunch(launch: Launch, cwd: string): Promise<true | string> {
  return new Promise((resolve) => {
    const { child } = startLaunch(launch, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
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
  const groups = Groups.open(groupHost());
  const attempt = async (launcher: Launcher): Promise<true | string> => {
    const launch = launcher.command({ entry: probe, limits });
    const inGroup = () => tryLaunch({ ...launch, group: () => groups.make(groupLimits(limits)) }, cwd);
    if (groups.any && (await inGroup()) === true) return true;
    const alone = await tryLaunch(launch, cwd);
    if (alone !== true || !groups.any) return alone;
    // The first start of all is the slowest, and may have taken too long for that alone.
    const again = await inGroup();
    if (again !== true) groups.refuse(`a process cannot enter one (${again})`);
    return true;
  };
  const found = (launcher: Launcher): Found => ({ launcher: grouped(launcher, groups), groups });
  const short: string[] = [];
  if (levels.includes('strict') && process.platform === 'linux') {
    const means = strictMeans();
    if (typeof means === 'string') short.push(`strict: ${means}`);
    else {
      let works: true | string = '';
      for (const disableNamespaces of [true, false]) {
        const launcher = strictLauncher({ means, permissions, cpuSeconds, disableNamespaces });
        works = await attempt(launcher);
        if (works === true) return found(launcher);
      }
      short.push(`strict: bubblewrap does not work here (${works})`);
    }
  }
  if (levels.includes('seatbelt') && process.platform === 'darwin') {
    const launcher = seatbeltLauncher({ permissions, cpuSeconds });
    const works = await attempt(launcher);
    if (works === true) return found(launcher);
    short.push(`seatbelt: sandbox-exec does not work here (${works})`);
  }
  for (const wrapping of wrappings(permissions)) {
    const launcher = processLauncher(wrapping, cpuSeconds);
    if ((await attempt(launcher)) === true) return { ...found(launcher), short: weaker(short) };
  }
  const bare = { shellLimits: false, dieWithParent: false, ownUser: false, permissions: null };
  // There is no shell to enter a group with.
  groups.refuse('no shell works here to enter one');
  return { ...found(processLauncher(bare, cpuSeconds)), short: weaker(short) };
}

const weaker = (short: string[]): string => short.join('; ') || 'no stronger level was asked for';

/** The same, each child in a control group of its own. */
function grouped(launcher: Launcher, groups: Groups): Launcher {
  return {
    ...launcher,
    command: (program) => ({
      ...launcher.command(program),
      group: () => groups.make(groupLimits(program.limits)),
    }),
  };
}
