import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Launch } from '../levels/level.js';
import { residentBytes } from '../memory.js';
import { handFilter, startGrouped } from '../start.js';
import type { ToolServerEnding, ToolServerListener, ToolServerProcess, ToolServerSpec } from '../types.js';

const memoryLookMs = 250;
const newline = 0x0a;
const processesMax = 128;

/** A process and what it started, as far as the system tells (Linux); at most `processesMax`. */
function treeOf(pid: number): number[] {
  const found = [pid];
  for (let i = 0; i < found.length && found.length < processesMax; i += 1) {
    const children = `/proc/${found[i]}/task/${found[i]}/children`;
    if (!existsSync(children)) continue;
    try {
      found.push(...readFileSync(children, 'utf8').split(' ').filter(Boolean).map(Number));
    } catch (error) {
      // It ended between two readings.
      if (!['ENOENT', 'ESRCH'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
  return found;
}

/**
 * A program that speaks in lines over its standard streams. A line that is too long, or more than it may say before somebody asks again,
 * ends it. What it writes on stderr is read and dropped.
 */
export class LineProcess implements ToolServerProcess {
  readonly exited: Promise<ToolServerEnding>;
  readonly #process: ChildProcess;
  readonly #spec: ToolServerSpec;
  readonly #listen: ToolServerListener;
  readonly #watch: NodeJS.Timeout;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #said = 0;
  #ending: ToolServerEnding | undefined;

  constructor(launch: Launch, cwd: string, spec: ToolServerSpec, listen: ToolServerListener) {
    this.#spec = spec;
    this.#listen = listen;
    // A group of its own, so that what it starts ends with it.
    const { child, group } = startGrouped(launch, {
      cwd,
      env: {},
      stdio: [
        'pipe',
        'pipe',
        'ignore',
        ...(launch.filter === undefined ? [] : (['ignore', 'pipe'] as const)),
      ],
      detached: true,
    });
    this.#process = child;
    handFilter(child, launch);
    this.#process.stdin?.on('error', () => this.kill('left'));
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#watch = setInterval(() => void this.#look(), memoryLookMs);
    this.exited = new Promise((resolve) => {
      const gone = (ending: ToolServerEnding) => {
        clearInterval(this.#watch);
        this.#ending ??= group?.outOfMemory() ? 'out_of_memory' : ending;
        this.#endGroup();
        resolve(this.#ending);
      };
      this.#process.on('error', () => gone('not_started'));
      this.#process.on('exit', () => gone('left'));
    });
  }

  send(line: string): void {
    this.#said = 0;
    if (this.#ending === undefined && this.#process.stdin?.writable) this.#process.stdin.write(`${line}\n`);
  }

  kill(ending: ToolServerEnding): undefined {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#endGroup();
  }

  /** SIGKILL for it and what it started; bubblewrap's namespace ends with its first process. */
  #endGroup(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if (!['ESRCH', 'EPERM'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }

  #read(chunk: Buffer): undefined {
    if (this.#ending !== undefined) return;
    this.#said += chunk.length;
    if (this.#said > 4 * this.#spec.lineBytesMax) return this.kill('said_too_much');
    let rest = chunk;
    for (let at = rest.indexOf(newline); at !== -1; at = rest.indexOf(newline)) {
      const line = Buffer.concat([...this.#held, rest.subarray(0, at)]);
      this.#held = [];
      this.#heldBytes = 0;
      rest = rest.subarray(at + 1);
      if (line.length > this.#spec.lineBytesMax) return this.kill('said_too_much');
      this.#listen(line.toString('utf8'));
      if (this.#ending !== undefined) return;
    }
    this.#held.push(rest);
    this.#heldBytes += rest.length;
    if (this.#heldBytes > this.#spec.lineBytesMax) this.kill('said_too_much');
  }

  /** Looks at the memory of all its processes together. */
  async #look(): Promise<void> {
    const { pid } = this.#process;
    if (pid === undefined) return;
    const all = await Promise.all(treeOf(pid).map(residentBytes));
    const bytes = all.reduce<number>((sum, one) => sum + (one ?? 0), 0);
    if (bytes > this.#spec.memoryBytes) this.kill('out_of_memory');
  }
}
