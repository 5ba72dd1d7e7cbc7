import { chmodSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from './broker.js';
import { Child, memoryLookMs } from './child.js';
import { EngineDirectory } from './engine-directory.js';
import { probeEscape } from './escape/probe.js';
import { failureOf, failureOfExit } from './failures.js';
import { estimatedHistory } from './history.js';
import { type Found, findLauncher } from './launch.js';
import { findProgram, isRoot } from './levels/identity.js';
import { ModelProcess } from './model-process.js';
import { opinionProcess } from './opinion.js';
import type { Opinion, OpinionOptions, OpinionProcess } from './opinion-process.js';
import { checkOptions, type SandboxOptions } from './options.js';
import { PinnedModels } from './pinned-models.js';
import { closedError, WorkerPool } from './pool.js';
import { PromptRun } from './prompt-run.js';
import { type ReadOptions, readModel } from './read-model.js';
import { isRunning } from './running.js';
import { ScriptRunner, scriptPackages } from './script-runner.js';
import { plainServer, strictServer, toolServerLimits } from './tool-server/command.js';
import { LineProcess } from './tool-server/process.js';
import {
  type EngineView,
  type EscapeOutcome,
  type ModelReading,
  type PromptEvent,
  type PromptJob,
  type PromptRunner,
  type RunOptions,
  type SandboxError,
  type SandboxStatus,
  type ScriptJob,
  type ScriptOptions,
  type ScriptOutcome,
  sandboxLevels,
  type ToolServerListener,
  type ToolServerProcess,
  type ToolServerSpec,
} from './types.js';
import { wipesWhole } from './wipes-whole.js';

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
  scripts: ScriptRunner;
}

/** What every level holds. */
const holdsAlways = [
  'environment: empty (a model: HOME, which names /tmp)',
  'memory: resident memory watched from outside every 100 ms while a prompt runs',
  'time: killed at the deadline',
];

/** How a prompt's text is kept from the next prompt. */
const holdsTexts = (wiped: boolean) =>
  wiped
    ? 'texts: what a prompt left in the memory of its worker is overwritten before the next (not in the process of a model)'
    : 'texts: a worker answers one prompt and ends, the next prompt has another that stood ready (not the process of a model)';

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

/** Host and port of a server's URL. */
function addressOfServer({ hostname, port, protocol }: URL): { host: string; port: number } {
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) };
}

/** The supervisor: workers, the model's process, the broker to the servers, and the directory of engines. */
export class Supervisor implements PromptRunner {
  readonly #options: SandboxOptions;
  /** Whether a worker forgets a prompt, so that it may have another. */
  readonly #wipes: boolean;
  readonly #directory: EngineDirectory;
  readonly #running = new Set<AbortController>();
  readonly #opinions = new Set<OpinionProcess>();
  readonly #servers = new Set<ToolServerProcess>();
  #parts: Parts | undefined;
  #closed = false;

  constructor(options: SandboxOptions) {
    checkOptions(options);
    this.#options = options;
    this.#wipes = options.internal?.wipesWhole ?? wipesWhole;
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
      const fitted = this.#fitted(job);
      const fresh = this.#alone(options.untrusted ?? false);
      const child = await parts.pool.lease({ engine: job.engine, fresh }, ending.signal);
      yield* events(this.#begin(child, fitted, parts, fresh), ending.signal);
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

  /** Loads a classifier of texts in a process of its own, isolated as models are. Throws an Error that says what is wrong. */
  async openOpinion(options: OpinionOptions): Promise<Opinion> {
    const parts = this.#parts;
    if (parts === undefined || this.#closed) throw closedError();
    const opinion = opinionProcess(options, {
      ...this.#options,
      launcher: parts.found.launcher,
      cwd: parts.folder,
    });
    await opinion.start();
    this.#opinions.add(opinion);
    return opinion;
  }

  async runScript(job: ScriptJob, options: ScriptOptions): Promise<ScriptOutcome> {
    const parts = this.#parts;
    if (parts === undefined || this.#closed) throw closedError();
    return parts.scripts.run(job, options);
  }

  startToolServer(spec: ToolServerSpec, listen: ToolServerListener): ToolServerProcess {
    const parts = this.#parts;
    if (parts === undefined || this.#closed) throw closedError();
    const bwrap = findProgram('bwrap');
    const strict = parts.found.launcher.level === 'strict' && bwrap !== undefined;
    const setpriv = isRoot() ? findProgram('setpriv') : undefined;
    const launch = strict ? strictServer(spec, { bwrap, setpriv }) : plainServer(spec);
    const { groups } = parts.found;
    launch.group = () => groups.make(toolServerLimits(spec.memoryBytes));
    const server = new LineProcess(launch, parts.folder, spec, listen);
    this.#servers.add(server);
    void server.exited.then(() => this.#servers.delete(server));
    return server;
  }

  /**
   * Has a process of its own hash a model file and read what it says of itself. No link is followed.
   * @throws Error of the file system; SandboxError when it was ended or came to no end.
   */
  async readModel(file: string, options: ReadOptions): Promise<ModelReading> {
    const parts = this.#parts;
    if (parts === undefined || this.#closed) throw closedError();
    const { launcher } = parts.found;
    const ending = new AbortController();
    const end = () => ending.abort();
    this.#running.add(ending);
    options.signal.addEventListener('abort', end);
    if (options.signal.aborted) end();
    try {
      const { watch } = this.#options;
      return await readModel(
        file,
        { launcher, cwd: parts.folder, watch },
        { ...options, signal: ending.signal },
      );
    } finally {
      options.signal.removeEventListener('abort', end);
      this.#running.delete(ending);
    }
  }

  /** Gives the memory of the embedded model back, after the answers that wait for it. */
  async unloadModel(): Promise<void> {
    await this.#parts?.model.unload();
    this.#directory.reviewEmbedded();
  }

  engines(): EngineView[] {
    return this.#directory.views();
  }

  refreshEngines(): Promise<EngineView[]> {
    return this.#directory.refresh();
  }

  status(): SandboxStatus {
    const parts = this.#parts;
    const counts = parts?.pool.status() ?? {
      workers: { idle: 0, busy: 0, starting: 0 },
      spawned: 0,
      killed: { deadline: 0, out_of_memory: 0, crashed: 0, protocol: 0, aborted: 0 },
      recycled: 0,
    };
    const { launcher, groups, short } = parts?.found ?? {};
    const { holds, lacks } = (launcher && groups?.beside(launcher)) ?? { holds: [], lacks: [] };
    return {
      level: launcher?.level ?? 'process',
      ...(short === undefined ? {} : { short }),
      ...counts,
      holds: [...holdsAlways, holdsTexts(this.#wipes), ...holds],
      lacks,
    };
  }

  /** Ends every prompt with `closed` and every process; resolves when nothing is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const running of this.#running) running.abort(closedError());
    for (const server of this.#servers) server.kill('stopped');
    await this.#directory.close();
    await Promise.all([...this.#servers].map((server) => server.exited));
    const parts = this.#parts;
    if (parts === undefined) return;
    const opinions = [...this.#opinions].map((opinion) => opinion.close());
    await Promise.all([parts.pool.close(), parts.model.close(), parts.scripts.close(), ...opinions]);
    parts.broker.close();
    await parts.found.groups.close();
    rmSync(parts.folder, { recursive: true, force: true });
  }

  #assemble(folder: string, found: Found): Parts {
    const { launcher } = found;
    const { sandbox, engines, internal, viaToken, monotonicMs, onIncident, watch } = this.#options;
    const workerEntry = internal?.workerEntry ?? new URL('./worker.js', import.meta.url);
    const modelHostEntry = internal?.modelHostEntry ?? new URL('./model-host.js', import.meta.url);
    const pool = new WorkerPool({
      workers: sandbox.workers,
      spare: this.#wipes ? 0 : 1,
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
    const pinned = new PinnedModels(this.#options.models, (file) =>
      this.readModel(file, { signal: new AbortController().signal }),
    );
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
      refusal: (file) => pinned.refusal(file),
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
    const scripts = new ScriptRunner({
      spawn: () =>
        new Child({
          launcher,
          entry: new URL('./script-host.js', import.meta.url),
          limits: { kind: 'worker', memoryBytes: sandbox.memory_bytes },
          packages: scriptPackages,
          cwd: folder,
        }),
      onIncident,
    });
    return { folder, found, pool, model, broker, scripts };
  }

  /** Whether the worker of a prompt serves nobody else, before or after. */
  #alone(untrusted: boolean): boolean {
    const { fresh } = this.#options.sandbox;
    return !this.#wipes || fresh === 'always' || (fresh === 'untrusted' && untrusted);
  }

  /** A prompt for a server that says how long its context is is made to fit by an estimate; the embedded model counts for itself. */
  #fitted(job: PromptJob): { job: PromptJob; leftOut: number } {
    const view = this.#directory.views().find(({ name }) => name === job.engine);
    const contextTokens = view?.contextTokens;
    if ('embed' in job || job.engine === 'embedded' || contextTokens === undefined)
      return { job, leftOut: 0 };
    const fitted = estimatedHistory(job.messages, contextTokens, job.sampling.maxTokens);
    if (fitted === undefined) throw failureOf(job.engine, 'context_length_exceeded', {});
    return { job: { ...job, messages: fitted.messages }, leftOut: fitted.leftOut };
  }

  /** Starts the prompt on the worker, and sees to it that the worker is given back. */
  #begin(
    child: Child,
    { job, leftOut }: { job: PromptJob; leftOut: number },
    parts: Parts,
    fresh: boolean,
  ): PromptRun {
    const { pool, broker, model } = parts;
    const outputBytesMax = this.#options.sandbox.output_bytes_max;
    try {
      const run = new PromptRun({ child, job, leftOut, broker, model, outputBytesMax });
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
    if (run.isRunning) run.stop(failureOfExit('aborted'));
  }
}
