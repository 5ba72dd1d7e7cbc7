import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../runtime/cli/main.js', import.meta.url));

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line in a folder, with nothing of our environment but PATH, until it ends. */
export function cli(
  args: string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args], {
      cwd: options.cwd,
      env: { PATH: process.env.PATH, ARKALIA_ENGINES_PROBE: 'false', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const result: CliResult = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (piece: Buffer) => {
      result.stdout += piece.toString();
    });
    child.stderr.on('data', (piece: Buffer) => {
      result.stderr += piece.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...result, code }));
  });
}
