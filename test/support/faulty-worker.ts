import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { connectSupervisor } from '../../sandbox/inside.js';

/** A worker that does to its supervisor what the prompt says. Anything else it answers like a good one. */

const mebibyte = 1_048_576;
const held: unknown[] = [];

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
    pid: process.pid,
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
  if (fault === undefined) answer(`pid ${process.pid}: ${word}`);
  else fault();
});

await supervisor.send({ type: 'ready' });
