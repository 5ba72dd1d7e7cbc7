import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectSupervisor } from '../../sandbox/inside.js';

/** A worker that does to its supervisor what the prompt says. Anything else it answers like a good one. */

const mebibyte = 1_048_576;
const held: unknown[] = [];
/** Tells this process from others; at level strict every worker is process 1. */
const id = randomUUID();

/** Grows to 400 MiB in small steps, so that only someone who watches from outside can stop it. */
function grow(): void {
  if (held.length < 50) held.push(Buffer.alloc(8 * mebibyte, 1));
  setTimeout(grow, 10);
}

function attempt(action: () => unknown): string {
  try {
    action();
    return 'allowed';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
  }
}

const report = () =>
  JSON.stringify({
    uid: process.getuid?.(),
    env: process.env,
    cwd: process.cwd(),
    read: attempt(() => readFileSync('/etc/passwd')),
    write: attempt(() => writeFileSync('written', 'x')),
    execute: attempt(() => execFileSync('/bin/true')),
  });

const faults: Record<string, () => void> = {
  hang: () => {
    for (;;);
  },
  crash: () => process.exit(3),
  abort: () => process.abort(),
  grow,
  heap: () => {
    for (;;) held.push(new Array(100_000).fill(held.length));
  },
  burst: () => {
    for (let i = 0; i < 64; i += 1) held.push(Buffer.alloc(64 * mebibyte, 1));
  },
  wasm: () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
    held.push(memory);
    for (let i = 0; i < 64; i += 1) {
      // 64 KiB a page; every byte is written, so that it is resident. The buffer of before ends where the new pages begin.
      const from = memory.grow(512) * 65_536;
      new Uint8Array(memory.buffer, from).fill(1);
    }
  },
  mmap: () => {
    // A buffer that can grow is reserved by mmap and made accessible piece by piece.
    // TypeScript's library for this target does not know it yet; every Node that runs this does.
    const Growable = SharedArrayBuffer as unknown as new (
      bytes: number,
      options: { maxByteLength: number },
    ) => SharedArrayBuffer & { grow(bytes: number): void };
    const shared = new Growable(0, { maxByteLength: 2048 * mebibyte });
    held.push(shared);
    for (let i = 1; i <= 64; i += 1) {
      shared.grow(i * 32 * mebibyte);
      new Uint8Array(shared, (i - 1) * 32 * mebibyte).fill(1);
    }
  },
  files: () => {
    let opened = 0;
    const open = () => openSync(fileURLToPath(import.meta.url), 'r');
    for (let code = ''; opened < 1000 && code === ''; opened += code === '' ? 1 : 0)
      code = attempt(open) === 'allowed' ? '' : 'refused';
    answer(`opened ${opened}`);
  },
  grow_some: () => {
    held.push(Buffer.alloc(60 * mebibyte, 1));
    answer('done');
  },
  spin: () => {
    const until = process.cpuUsage().user + 1_100_000;
    let sum = 0;
    while (process.cpuUsage().user < until) for (let i = 0; i < 1_000_000; i += 1) sum += i;
    held.push(sum);
    answer('done');
  },
  noise: () => writeSync(3, Buffer.from([1, 0, 0, 0, 0x7b])),
  huge: () => writeSync(3, Buffer.from([0xff, 0xff, 0xff, 0xff])),
  unknown: () => void supervisor.send({ type: 'nonsense' } as never),
  misplaced: () => void supervisor.send({ type: 'loaded', contextTokens: 1 }),
  unasked_stop: () => void supervisor.send({ type: 'stopped' }),
  foreign_path: () => void supervisor.send({ type: 'open', method: 'POST', path: '/api/delete', body: '{}' }),
  foreign_origin: () =>
    void supervisor.send({ type: 'open', method: 'POST', path: 'http://127.0.0.1:1/api/chat', body: '{}' }),
  foreign_method: () =>
    void supervisor.send({ type: 'open', method: 'DELETE', path: '/api/chat', body: '{}' } as never),
  model: () => void supervisor.send({ type: 'generate', messages: [], sampling: {} }),
  twice: () => {
    for (let i = 0; i < 2; i += 1)
      void supervisor.send({ type: 'open', method: 'POST', path: '/api/chat', body: '{}' });
  },
  deaf: () => void supervisor.send({ type: 'delta', text: 'started' }),
  flood: () => {
    const more = (): Promise<void> => supervisor.send({ type: 'delta', text: 'x'.repeat(1000) }).then(more);
    void more();
  },
  report: () => answer(report()),
  die_after: () => {
    answer('last words');
    setTimeout(() => process.exit(4), 50);
  },
  chatter: () => {
    answer('done');
    void supervisor.send({ type: 'delta', text: 'and more' });
  },
};

function answer(text: string): void {
  void supervisor.send({ type: 'delta', text });
  void supervisor.send({ type: 'done', finishReason: 'stop', model: 'faulty\u001b[31m' });
}

const supervisor = connectSupervisor((message) => {
  if (message.type !== 'job') return;
  const word = 'embed' in message.job ? '' : (message.job.messages.at(-1)?.content ?? '');
  const fault = faults[word];
  const [, bytes] = /^write ([0-9a-f]*)$/.exec(word) ?? [];
  if (bytes !== undefined) writeSync(3, Buffer.from(bytes, 'hex'));
  else if (fault === undefined) answer(`worker ${id}: ${word}`);
  else fault();
});

await supervisor.send({ type: 'ready' });
