import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CliIo } from './io.js';
import type { ConfigFlags } from './settings.js';

/** What is looked at to find out who else would start the server again. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  pid: number;
  exists: (path: string) => boolean;
}

/** Files that container engines put into each container: Docker, podman. */
const containerFiles = ['/.dockerenv', '/run/.containerenv'];

/**
 * Who starts the server again when it ends, if anybody: systemd, which names the process that it started, or a container's engine. A
 * terminal inside a systemd session is none: its variables are inherited, but the process is another.
 */
export function otherKeeper({ env, pid, exists }: Surroundings): 'systemd' | 'container' | undefined {
  if (env.NOTIFY_SOCKET !== undefined || env.SYSTEMD_EXEC_PID === String(pid)) return 'systemd';
  const isContainer =
    pid === 1 ||
    env.container !== undefined ||
    env.KUBERNETES_SERVICE_HOST !== undefined ||
    containerFiles.some(exists);
  return isContainer ? 'container' : undefined;
}

/** Runs the server under a small parent where asked to, or where nobody else keeps it; answers null where it shall run in this process. */
export async function serveSupervised(
  flags: ConfigFlags,
  supervise: boolean | undefined,
  io: CliIo,
): Promise<number | null> {
  const wanted =
    supervise ?? otherKeeper({ env: io.env, pid: process.pid, exists: existsSync }) === undefined;
  if (!wanted) return null;
  const { superviseServer } = await import('./serve-supervised.js');
  const given = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  return superviseServer({
    command: process.execPath,
    args: [...process.execArgv, main, 'serve', ...given, '--no-supervise'],
    env: io.env,
    io,
  });
}
