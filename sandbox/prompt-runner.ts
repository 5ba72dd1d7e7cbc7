import { chmodSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from './broker.js';
import { Child, memoryLookMs } from './child.js';
import { EngineDirectory } from './engine-directory.js';
import { probeEscape } from './escape/probe.js';
import { failureOfExit } from './failures.js';
import { type Found, findLauncher } from './launch.js';
import { ModelProcess } from './model-process.js';
import { checkOptions, type SandboxOptions } from './options.js';
import { closedError, WorkerPool } from './pool.js';
import { PromptRun } from './prompt-run.js';
import {
  type EngineView,
  type EscapeOutcome,
  type PromptEvent,
  type PromptJob,
  type PromptRunner,
  type RunOptions,
  type SandboxError,
  type SandboxStatus,
  sandboxLevels,
} from './types.js';

/** Longest that a timer of Node can wait. */
const timerMaxMs = 2_147_483_647;
/** An engine's raw answer may be this much longer than the text in it: every token comes in JSON of its own. */
const rawPerOutput = 64;

/** What exists once the sandbox is started. */
interface Parts {
  /** Empty, and where every child stands. */
  folder: string;
  found: Found;
  pool: WorkerPool;
  model: ModelProcess;
  broker: Broker;
}

/** What every level holds. */
const holdsAlways = [
  'environment: empty (a model: HOME, which names /tmp)',
  'memory: resident memory watched from outside every 100 ms while a prompt runs',
  'time: killed at the deadline',
  'texts: what a prompt left in the memory of its worker is overwritten before the next (not in the process of a model)',
];

const folderPrefix = 'arkalia-sandbox-';

/** Removes the folders of supervisors that were killed: they are empty and name a process that is gone. */
function removeLeftFolders(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    try {
      rmdirSync(join(parent, name));
    } catch (error) {
      // Somebody else's, or not empty, so none of ours; or gone by now.
      if (
        !['EACCES', 'EPERM', 'ENOTEMPTY', 'ENOENT', 'ENOTDIR'].includes(
          String((error as NodeJS.ErrnoException).code),
        )
      )
        throw error;
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Host and port of a server's URL. */
function addressOfServer({ hostname, port, protocol }: URL): { host: string; port: number } {
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) };
}

/** The supervisor: workers, the model's process, the broker to the servers, and the directory of engines. */
export class Supervisor implements PromptRunner {
  readonly #options: SandboxOptions;
  readonly #directory: EngineDirectory;
  readonly #running = new Set<AbortController>();
  #parts: Parts | undefined;
  #closed = false;

  constructor(options: SandboxOptions) {
    checkOptions(options);
    this.#options = options;
    this.#directory = new EngineDirectory(options, {
      problem: () => this.#parts?.model.problem(),
      isLoaded: () => this.#parts?.model.isLoaded() ?? false,
    });
  }

  /**
   * Finds how children can be isolated here, starts the workers and asks the engines. Throws when the level is weaker than required, or
   * when no worker comes up.
   */
  async start(): Promise<void> {
    if (this.#parts !== undefined || this.#closed) throw new Error('a sandbox is started once');
    removeLeftFolders(tmpdir());
    const folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`));
    // Children may be another user; there is nothing in it.
    chmodSync(folder, 0o755);
    const parts = this.#assemble(folder, await this.#find(folder));
    this.#parts = parts;
    try {
      await Promise.all([parts.pool.start(), this.#directory.refresh()]);
    } catch (error) {
      await this.close();
      throw error;
    }
    const configured = this.#options.engines.embedded.model_file !== undefined;
    if (!configured || !this.#directory.uses('embedded')) return;
    // In the background: a failure becomes the problem of the engine.
    const review = () => this.#directory.reviewEmbedded();
    parts.model.load().then(review, review);
  }

  async #find(folder: string): Promise<Found> {
    const { sandbox, internal } = this.#options;
    const found = await findLauncher({
      memoryBytes: sandbox.memory_bytes,
      cpuSeconds: sandbox.cpu_seconds,
      cwd: folder,
      ...(internal?.levels === undefined ? {} : { levels: internal.levels }),
    });
    const { level } = found.launcher;
    if (sandboxLevels.indexOf(level) <= sandboxLevels.indexOf(sandbox.require)) return found;
    rmSync(folder, { recursive: true, force: true });
    throw new Error(
      `sandbox.require is "${sandbox.require}", but the strongest level that this host has is "${level}" (${found.short})`,
    );
  }

  async *run(job: PromptJob, options: RunOptions): AsyncGenerator<PromptEvent> {
    const parts = this.#parts;
    if (parts === undefined || this.#closed) throw closedError();
    if (!(options.timeoutMs > 0)) throw failureOfExit('deadline');
    const ending = new AbortController();
    const abort = () => ending.abort(failureOfExit('aborted'));
    const timer = setTimeout(
      () => ending.abort(failureOfExit('deadline')),
      Math.min(options.timeoutMs, timerMaxMs),
    );
    this.#running.add(ending);
    if (options.signal.aborted) abort();
    else options.signal.addEventListener('abort', abort);
    try {
      const fresh = this.#alone(options.untrusted ?? false);
      const child = await parts.pool.lease({ engine: job.engine, fresh }, ending.signal);
      yield* events(this.#begin(child, job, parts, fresh), ending.signal);
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', abort);
      this.#running.delete(ending);
    }
  }

  /**
   * Tries to escape from a worker as this host isolates it; undoes what succeeds. `files`: what must not be read.
   * @throws Error before `start`, when the probe breaks, and when the signal ends it.
   */
  async probeEscape(files: { ledger: string; keys: string }, signal: AbortSignal): Promise<EscapeOutcome[]> {
    const parts = this.#parts;
    if (parts === undefined || this.#closed) throw closedError();
    const memoryBytes = this.#options.sandbox.memory_bytes;
    const base = (['ollama', 'openai'] as const)
      .map((name) => this.#directory.endpoint(name)?.base)
      .find((url) => url !== undefined);
    return probeEscape({
      launcher: parts.found.launcher,
      limits: { kind: 'worker', memoryBytes },
      lookMs: memoryLookMs,
      files,
      signal,
      ...(base === undefined ? {} : { modelServer: addressOfServer(base) }),
    });
  }

  engines(): EngineView[] {
    return this.#directory.views();
  }

  refreshEngines(): Promise<EngineView[]> {
    return this.#directory.refresh();
  }

  unloadModel(): void {
    this.#parts?.model.unload();
  }

  status(): SandboxStatus {
    const parts = this.#parts;
    const counts = parts?.pool.status() ?? {
      workers: { idle: 0, busy: 0, starting: 0 },
      spawned: 0,
      killed: { deadline: 0, out_of_memory: 0, crashed: 0, protocol: 0, aborted: 0 },
      recycled: 0,
    };
    const { level, holds, lacks } = parts?.found.launcher ?? { level: 'process', holds: [], lacks: [] };
    const short = parts?.found.short;
    return {
      level,
      ...(short === undefined ? {} : { short }),
      ...counts,
      holds: [...holdsAlways, ...holds],
      lacks: [...lacks],
    };
  }

  /** Ends every prompt with `closed` and every process; resolves when nothing is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const running of this.#running) running.abort(closedError());
    await this.#directory.close();
    const parts = this.#parts;
    if (parts === undefined) return;
    await Promise.all([parts.pool.close(), parts.model.close()]);
    rmSync(parts.folder, { recursive: true, force: true });
  }

  #assemble(folder: string, found: Found): Parts {
    const { launcher } = found;
    const { sandbox, engines, internal, viaToken, monotonicMs, onIncident, watch } = this.#options;
    const workerEntry = internal?.workerEntry ?? new URL('./worker.js', import.meta.url);
    const modelHostEntry = internal?.modelHostEntry ?? new URL('./model-host.js', import.meta.url);
    const pool = new WorkerPool({
      workers: sandbox.workers,
      promptsMax: sandbox.prompts_max,
      isWorn: (child) => child.isWorn(sandbox.cpu_seconds),
      spawn: () =>
        new Child({
          launcher,
          entry: workerEntry,
          limits: { kind: 'worker', memoryBytes: sandbox.memory_bytes },
          cwd: folder,
          watch,
        }),
      onIncident,
    });
    const model = new ModelProcess({
      spawn: (file) => {
        const unreadable = launcher.unreadable(file);
        if (unreadable !== undefined) return unreadable;
        const limits = { kind: 'model' as const, memoryBytes: engines.embedded.memory_bytes };
        const child = new Child({
          launcher,
          entry: modelHostEntry,
          limits,
          files: [file],
          cwd: folder,
          watch,
        });
        return { child, file: launcher.inside(file) };
      },
      modelFile: () => this.#directory.modelFile(),
      embedded: engines.embedded,
      llamaPackage: internal?.llamaPackage ?? 'node-llama-cpp',
      monotonicMs,
      onIncident,
    });
    const broker = new Broker({
      endpoint: (engine) => this.#directory.endpoint(engine),
      viaToken,
      bytesMax: sandbox.output_bytes_max * rawPerOutput + 1_048_576,
    });
    return { folder, found, pool, model, broker };
  }

  /** Whether the worker of a prompt serves nobody else, before or after. */
  #alone(untrusted: boolean): boolean {
    const { fresh } = this.#options.sandbox;
    return fresh === 'always' || (fresh === 'untrusted' && untrusted);
  }

  /** Starts the prompt on the worker, and sees to it that the worker is given back. */
  #begin(child: Child, job: PromptJob, parts: Parts, fresh: boolean): PromptRun {
    const { pool, broker, model } = parts;
    const outputBytesMax = this.#options.sandbox.output_bytes_max;
    try {
      const run = new PromptRun({ child, job, broker, model, outputBytesMax });
      void run.settled.then(() => pool.release(child, fresh));
      return run;
    } catch (error) {
      pool.release(child, fresh);
      throw error;
    }
  }
}

/** What the prompt says, until it is done, the signal ends it, or nobody listens any more. */
async function* events(run: PromptRun, ending: AbortSignal): AsyncGenerator<PromptEvent> {
  const end = () => {
    const reason = ending.reason as SandboxError;
    if (reason.code === 'deadline') run.expire();
    else run.stop(reason);
  };
  if (ending.aborted) end();
  else ending.addEventListener('abort', end);
  try {
    for (let event = await run.next(); event !== undefined; event = await run.next()) yield event;
  } finally {
    ending.removeEventListener('abort', end);
    run.stop(failureOfExit('aborted'));
  }
}
