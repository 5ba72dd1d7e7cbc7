import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../runtime/cli/main.js', import.meta.url));

/** A module that only these tests load: GET /block stops the event loop for ever. */
const blockingModule = `
import { z } from 'zod';
export default () => ({
  name: 'blocking', version: '1.0.0', priority: 'optional',
  provision() {}, validate() {}, start() {}, stop() {},
  health: () => ({ state: 'ok' }),
  routes: () => [{
    method: 'GET', path: '/block', role: 'user', scope: 'any', tag: 'blocking', summary: 'Stops the event loop', errors: 'problem',
    responses: { 200: { description: 'Never', schema: z.object({}) } },
    handler: () => { for (;;); },
  }],
});
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A real server under `serve --supervise`, on a port of its own that it keeps, with the module above. */
export class Supervised {
  private constructor(
    readonly parent: ChildProcess,
    readonly url: string,
    readonly dataDir: string,
    readonly output: { text: string },
    readonly module: string,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Supervised> {
    const dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
    const port = await freePort();
    // A module of its own folder finds packages where this test does.
    const blocking = join(fileURLToPath(new URL('.', import.meta.url)), `blocking-${port}.mjs`);
    await writeFile(blocking, blockingModule);
    const parent = spawn(
      process.execPath,
      [command, 'serve', '--supervise', '--port', String(port), '--data', dataDir],
      {
        cwd: dataDir,
        env: {
          PATH: process.env.PATH,
          ARKALIA_ENGINES_PROBE: 'false',
          ARKALIA_MODELS_DIR: join(dataDir, 'models'),
          ARKALIA_LOG_LEVEL: 'warn',
          ARKALIA_SANDBOX_WORKERS: '1',
          ARKALIA_WATCHDOG_HTTP_MS: '1500',
          ARKALIA_MODULES_ENABLED: `zeroia,reflexia,sandozia,assistantia,${blocking},helloria`,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const output = { text: '' };
    const hear = (piece: Buffer) => {
      output.text += piece.toString();
    };
    parent.stdout.on('data', hear);
    parent.stderr.on('data', hear);
    const supervised = new Supervised(parent, `http://127.0.0.1:${port}`, dataDir, output, blocking);
    await supervised.serving();
    return supervised;
  }

  /** Resolves with the process id of the server once it answers and is not `except`. */
  async serving(except = 0): Promise<number> {
    for (;;) {
      if (this.parent.exitCode !== null) throw new Error(`the parent ended: ${this.output.text}`);
      const ready = await fetch(`${this.url}/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
      const pid = ready ? await this.serverPid() : undefined;
      if (pid !== undefined && pid !== except) return pid;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The server: the only child of the parent. */
  async serverPid(): Promise<number | undefined> {
    const text = await readFile(`/proc/${this.parent.pid}/task/${this.parent.pid}/children`, 'utf8');
    const pid = Number(text.trim().split(' ')[0]);
    return pid > 0 ? pid : undefined;
  }

  /** The status, whose watchdog says how often it was restarted and why. */
  async watchdog(): Promise<{ stuck: number; restarts: number; restart_cause?: string }> {
    const status = (await (await fetch(`${this.url}/status`)).json()) as {
      watchdog: { stuck: number; restarts: number; restart_cause?: string };
    };
    return status.watchdog;
  }

  exited(): Promise<number | null> {
    if (this.parent.exitCode !== null) return Promise.resolve(this.parent.exitCode);
    return new Promise((resolve) => this.parent.once('exit', (code) => resolve(code)));
  }

  async close(): Promise<void> {
    if (this.parent.exitCode === null && this.parent.signalCode === null) {
      const exited = this.exited();
      this.parent.kill('SIGTERM');
      await exited;
    }
    await rm(this.module);
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
