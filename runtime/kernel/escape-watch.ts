import { readFile, stat } from 'node:fs/promises';
import { arch, release } from 'node:os';
import { z } from 'zod';
import { type EscapeOutcome, escapeAttempts, type SandboxStatus } from '../../sandbox/types.js';
import type { EscapeStatus } from '../contracts/escape.js';
import type { NewEvent } from '../contracts/ledger.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

const fileBytesMax = 65_536;
const keptShape = z.strictObject({
  key: z.string(),
  at_ms: z.number(),
  attempts: z.array(
    z.strictObject({
      attempt: z.enum(escapeAttempts),
      outcome: z.enum(['stopped', 'open', 'not_tried']),
      how: z.string().max(200),
    }),
  ),
});

export interface EscapeWatchOptions {
  /** Where the result is kept. */
  file: string;
  version: string;
  /** False: sandbox.probe. */
  enabled: boolean;
  sandbox: () => Pick<SandboxStatus, 'level' | 'short' | 'holds'>;
  probe: (signal: AbortSignal) => Promise<EscapeOutcome[]>;
  wallMs: () => number;
  record: (event: NewEvent) => void;
  log: { warn(facts: object, message: string): void; error(facts: object, message: string): void };
}

/** Runs the escape probe once for each kernel, version, level and what it holds, records every attempt, and keeps the result for the next starts. */
export class EscapeWatch {
  readonly #options: EscapeWatchOptions;
  readonly #ending = new AbortController();
  #status: EscapeStatus = { state: 'off', attempts: [] };
  #running: Promise<void> = Promise.resolve();

  constructor(options: EscapeWatchOptions) {
    this.#options = options;
  }

  status(): EscapeStatus {
    return { ...this.#status, attempts: this.#status.attempts.map((attempt) => ({ ...attempt })) };
  }

  /** Begins; resolves when the result is known. Never throws: a probe that fails is logged and shown. */
  start(): Promise<void> {
    if (!this.#options.enabled) return this.#running;
    this.#status = { state: 'running', attempts: [] };
    this.#running = this.#run().catch((error: unknown) => {
      if (this.#ending.signal.aborted) return;
      this.#status = { state: 'failed', attempts: [] };
      this.#options.log.error({ err: error }, 'the escape probe could not be run to its end');
    });
    return this.#running;
  }

  /** What got through, if the result is known. */
  open(): string[] {
    return this.#status.attempts.filter(({ outcome }) => outcome === 'open').map(({ attempt }) => attempt);
  }

  /** Ends what runs; an unfinished probe is neither recorded nor kept. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { file, probe, wallMs, record, log } = this.#options;
    const key = this.#key();
    const kept = await this.#kept(key);
    if (kept !== undefined) {
      this.#status = { state: 'done', at_ms: kept.at_ms, kept: true, attempts: kept.attempts };
      return;
    }
    this.#ending.signal.throwIfAborted();
    const { level } = this.#options.sandbox();
    const attempts = await probe(this.#ending.signal);
    const at_ms = wallMs();
    this.#status = { state: 'done', at_ms, kept: false, attempts };
    for (const attempt of attempts)
      record({ type: 'escape_attempted', module: 'kernel', data: { level, ...attempt } });
    const open = this.open();
    if (open.length > 0)
      log.warn({ level, open }, 'the escape probe got through; docs/security.md says what each level stops');
    await writeFileAtomic(file, JSON.stringify({ key, at_ms, attempts })).catch((error: unknown) =>
      log.error(
        { err: error, file },
        'the result of the escape probe could not be kept; the next start runs it again',
      ),
    );
  }

  /** All that the result depends on. */
  #key(): string {
    const { level, short, holds } = this.#options.sandbox();
    const root = process.getuid?.() === 0;
    return JSON.stringify([
      release(),
      arch(),
      process.version,
      this.#options.version,
      level,
      short ?? '',
      holds,
      root,
    ]);
  }

  async #kept(key: string): Promise<z.infer<typeof keptShape> | undefined> {
    const { file, log } = this.#options;
    try {
      if ((await stat(file)).size > fileBytesMax)
        throw new RangeError(`it has more than ${fileBytesMax} bytes`);
      const kept = keptShape.parse(JSON.parse(await readFile(file, 'utf8')));
      return kept.key === key ? kept : undefined;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        log.warn({ err: error, file }, 'the kept result of the escape probe cannot be read; it is run again');
      return undefined;
    }
  }
}
