import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../runtime/cli/main.js', import.meta.url));

export interface ApplianceOptions {
  /** Environment variables of the configuration, such as `ARKALIA_GUARD_MODE`. */
  env?: Record<string, string>;
  /** More flags for `serve`, in this one process unless they say otherwise. */
  flags?: string[];
  /** An existing data folder, to start again on it; the caller removes it then. */
  dataDir?: string;
}

/** A real server process on a free port of loopback, with a data folder of its own, no probing of local ports and no models. */
export class TestAppliance {
  readonly url: string;
  readonly dataDir: string;
  readonly process: ChildProcess;
  /** Everything printed so far. */
  readonly output: { text: string };
  readonly #ownsData: boolean;

  private constructor(
    url: string,
    dataDir: string,
    process: ChildProcess,
    output: { text: string },
    ownsData: boolean,
  ) {
    this.url = url;
    this.dataDir = dataDir;
    this.process = process;
    this.output = output;
    this.#ownsData = ownsData;
  }

  /** Resolves when it says where it serves; rejects with what it printed when it ends before. */
  static async start(options: ApplianceOptions = {}): Promise<TestAppliance> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'arkalia-test-')));
    const child = spawn(
      process.execPath,
      [command, 'serve', '--no-supervise', '--port', '0', '--data', dataDir, ...(options.flags ?? [])],
      {
        cwd: dataDir,
        env: {
          PATH: process.env.PATH,
          ARKALIA_ENGINES_PROBE: 'false',
          ARKALIA_SANDBOX_PROBE: 'false',
          ARKALIA_MODELS_DIR: join(dataDir, 'models'),
          ARKALIA_LOG_LEVEL: 'warn',
          ...options.env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const output = { text: '' };
    const url = await new Promise<string>((resolve, reject) => {
      const hear = (piece: Buffer) => {
        output.text += piece.toString();
        const match = /serves on (https?:\/\/\S+)/.exec(output.text);
        if (match !== null) resolve(match[1]!);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output.text}`)));
    }).catch(async (error: unknown) => {
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
      throw error;
    });
    return new TestAppliance(url, dataDir, child, output, options.dataDir === undefined);
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return (await (await fetch(this.url + path)).json()) as Record<string, unknown>;
  }

  /** Sends a signal and resolves with the exit code, or null when the signal ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const exited = new Promise<number | null>((resolve) =>
      this.process.once('exit', (code) => resolve(code)),
    );
    this.process.kill(signal);
    return exited;
  }

  /** Ends it and removes its data folder, unless that was given. */
  async close(): Promise<void> {
    await this.end();
    if (this.#ownsData) await rm(this.dataDir, { recursive: true, force: true });
  }
}
