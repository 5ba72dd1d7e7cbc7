import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { descendants } from '../test/support/descendants.js';
import { groupsOf, groupsToTest } from '../test/support/groups.js';
import { levelsToTest } from '../test/support/levels.js';
import { answerOf, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { createPromptRunner, type Incident } from './index.js';
import type { PromptEvent } from './types.js';

const workerEntry = new URL('../test/support/faulty-worker.js', import.meta.url);
type Runner = ReturnType<typeof createPromptRunner>;

let runner: Runner | undefined;
let incidents: Incident[] = [];

async function started(changes: Parameters<typeof sandboxOptions>[0] = {}): Promise<Runner> {
  incidents = [];
  runner = createPromptRunner(
    sandboxOptions({
      internal: { workerEntry },
      onIncident: (incident) => incidents.push(incident),
      ...changes,
    }),
  );
  await runner.start();
  return runner;
}

afterEach(async () => {
  await runner?.close();
  runner = undefined;
});

const ask = (of: Runner, content: string, timeoutMs = 20_000) =>
  answerOf(of, jobFor('navigator', content), { timeoutMs });

const workerIn = (text: string): string => /worker (\S+):/.exec(text)?.[1] as string;

/** Waits until a condition holds; the test's own timeout is the bound. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const { groups } = groupsToTest();
const levels = await levelsToTest();
const small = { memory_bytes: 134_217_728 };

describe('a prompt that goes wrong', () => {
  it.each([
    ['hang', 'deadline', 'deadline', {}],
    ['crash', 'crashed', 'crashed', {}],
    ['abort', 'crashed', 'crashed', {}],
    ['grow', 'out_of_memory', 'out_of_memory', small],
    ['heap', 'out_of_memory', 'out_of_memory', small],
    ['noise', 'protocol', 'protocol', {}],
    ['huge', 'protocol', 'protocol', {}],
    ['unknown', 'protocol', 'protocol', {}],
    ['misplaced', 'protocol', 'protocol', {}],
    ['unasked_stop', 'protocol', 'protocol', {}],
    ['foreign_path', 'protocol', 'protocol', {}],
    ['foreign_method', 'protocol', 'protocol', {}],
    ['model', 'protocol', 'protocol', {}],
  ] as const)(
    '%s: ends as %s, while others go on and the worker is replaced',
    async (fault, code, cause, sandbox) => {
      const of = await started({ sandbox: { workers: 2, ...sandbox } });
      const bad = ask(of, fault, fault === 'hang' ? 500 : 20_000).then(
        () => 'answered',
        (error: unknown) => error,
      );
      let ended = false;
      void bad.then(() => {
        ended = true;
      });
      let others = 0;
      while (!ended || others < 5) {
        const { text } = await ask(of, `other ${others}`);
        expect(text).toContain(`other ${others}`);
        others += 1;
      }
      expect(await bad).toMatchObject({ name: 'SandboxError', code });
      await until(() => of.status().workers.idle === 2);
      expect(of.status().killed[cause]).toBe(1);
      expect(of.status().spawned).toBe(3);
      expect(incidents).toEqual([{ cause, child: 'worker', engine: 'navigator' }]);
    },
  );

  it('cuts an answer that is too long, and keeps the worker when it stops', async () => {
    const of = await started({ sandbox: { workers: 1, output_bytes_max: 5000 } });
    await expect(ask(of, 'flood')).rejects.toMatchObject({ code: 'output_limit' });
    expect((await ask(of, 'next')).text).toContain('next');
  });

  it('counts a deadline while it waits for a worker', async () => {
    const of = await started({ sandbox: { workers: 1 } });
    const first = ask(of, 'deaf', 1500);
    await expect(ask(of, 'waits', 100)).rejects.toMatchObject({ code: 'deadline' });
    await expect(first).rejects.toMatchObject({ code: 'deadline' });
    await until(() => of.status().killed.deadline === 1);
    await expect(ask(of, 'late', 0)).rejects.toMatchObject({ code: 'deadline' });
  });

  it('shows no control character of a model name', async () => {
    const of = await started();
    expect((await ask(of, 'hello')).model).toBe('faulty[31m');
  });

  it('refuses to hear more after the end of an answer', async () => {
    const of = await started({ sandbox: { workers: 1 } });
    expect((await ask(of, 'chatter')).text).toBe('done');
    await until(() => of.status().killed.protocol === 1);
    expect((await ask(of, 'next')).text).toContain('next');
  });
});

describe('a prompt that is ended', () => {
  it('kills a worker that does not stop, on abort', async () => {
    const of = await started({ sandbox: { workers: 1 } });
    const abort = new AbortController();
    const answer = answerOf(of, jobFor('navigator', 'deaf'), {
      signal: abort.signal,
      onDelta: () => abort.abort(),
    });
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    await until(() => of.status().workers.idle === 1);
    expect(of.status().killed.aborted).toBe(1);
    expect((await ask(of, 'next')).text).toContain('next');
  });

  it('frees the worker when the iteration is left early', async () => {
    const of = await started({ sandbox: { workers: 1 } });
    const signal = new AbortController().signal;
    for await (const event of of.run(jobFor('navigator', 'deaf'), { timeoutMs: 20_000, signal })) {
      expect(event).toEqual({ type: 'delta', text: 'started' });
      break;
    }
    expect((await ask(of, 'next')).text).toContain('next');
  });

  it('does not begin for a signal that is aborted already', async () => {
    const of = await started();
    const signal = AbortSignal.abort();
    await expect(answerOf(of, jobFor('navigator', 'x'), { signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(of.status().workers.busy).toBe(0);
  });

  it('holds a fast worker back when nobody reads, and loses nothing', async () => {
    const of = await started({ sandbox: { workers: 1, output_bytes_max: 67_108_864 } });
    const signal = new AbortController().signal;
    const events: PromptEvent[] = [];
    for await (const event of of.run(jobFor('navigator', 'flood'), { timeoutMs: 20_000, signal })) {
      if (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 300));
      events.push(event);
      if (events.length === 2000) break;
    }
    // What waited goes on together, in pieces that are not too long.
    const lengths = new Set(events.map((event) => (event.type === 'delta' ? event.text.length : 0)));
    expect([...lengths].filter((length) => ![1000, 2000, 3000, 4000].includes(length))).toEqual([]);
    expect(lengths).toContain(4000);
  });
});

describe('the pool', () => {
  it('replaces a worker after its share of prompts', async () => {
    const of = await started({ sandbox: { workers: 1, prompts_max: 2 } });
    const ids = [];
    for (let i = 0; i < 5; i += 1) ids.push(workerIn((await ask(of, 'hello')).text));
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toBe(ids[1]);
    expect(of.status().recycled).toBe(2);
    expect(incidents).toEqual([]);
  });

  it.each([
    ['grown', 'grow_some', small],
    ['worked long', 'spin', { cpu_seconds: 2 }],
  ] as const)(
    'replaces a worker that has %s to half of its limit, after its prompt',
    async (_what, word, sandbox) => {
      const of = await started({ sandbox: { workers: 1, ...sandbox } });
      const first = workerIn((await ask(of, 'hello')).text);
      expect(workerIn((await ask(of, 'hello')).text)).toBe(first);
      expect((await ask(of, word)).text).toBe('done');
      await until(() => of.status().recycled === 1);
      expect(workerIn((await ask(of, 'hello')).text)).not.toBe(first);
      expect(of.status().recycled).toBe(1);
      expect(incidents).toEqual([]);
    },
  );

  it.each([
    ['always', false],
    ['untrusted', true],
  ] as const)(
    'fresh = %s: a prompt has a worker that nobody had before or has after',
    async (fresh, untrusted) => {
      const of = await started({ sandbox: { workers: 2, fresh } });
      const run = async (content: string, unknown: boolean) =>
        workerIn((await answerOf(of, jobFor('navigator', content), { untrusted: unknown })).text);
      const ids: string[] = [];
      for (let i = 0; i < 3; i += 1) {
        ids.push(await run('known', false));
        ids.push(await run('stranger', untrusted));
      }
      const strangers = ids.filter((_, i) => i % 2 === 1);
      for (const id of strangers) expect(ids.filter((other) => other === id)).toEqual([id]);
      const many = await Promise.all(
        Array.from({ length: 12 }, (_, i) => run(`many ${i}`, untrusted || i % 2 === 0)),
      );
      expect(new Set(many).size).toBe(12);
      await until(() => of.status().workers.idle === 2);
      expect(incidents).toEqual([]);
    },
  );

  it('fresh = never: strangers share the warm workers', async () => {
    const of = await started({ sandbox: { workers: 1 } });
    const run = async () => (await answerOf(of, jobFor('navigator', 'x'), { untrusted: true })).text;
    expect(await run()).toBe(await run());
  });

  it('where a wipe is not whole: one prompt a worker, the next has one that stood ready', async () => {
    const of = await started({ sandbox: { workers: 1 }, internal: { workerEntry, wipesWhole: false } });
    await until(() => of.status().workers.idle === 2);
    const ids: string[] = [];
    for (let round = 1; round <= 3; round += 1) {
      ids.push(workerIn((await ask(of, 'hello')).text));
      await until(() => of.status().workers.idle === 2);
      expect(of.status()).toMatchObject({ recycled: round, spawned: round + 2 });
    }
    expect(new Set(ids).size).toBe(3);
    const { holds, lacks } = of.status();
    expect(holds).toContainEqual(expect.stringContaining('a worker answers one prompt and ends'));
    expect(lacks.join()).not.toContain('prompt');
    // The one that stands ready is no second place.
    const first = ask(of, 'deaf', 1500);
    await expect(ask(of, 'waits', 100)).rejects.toMatchObject({ code: 'deadline' });
    await expect(first).rejects.toMatchObject({ code: 'deadline' });
    await until(() => of.status().workers.idle === 2);
    expect(incidents).toEqual([{ cause: 'deadline', child: 'worker', engine: 'navigator' }]);
  });

  it('replaces a worker that dies while it is idle', async () => {
    const of = await started({ sandbox: { workers: 1 } });
    expect((await ask(of, 'die_after')).text).toBe('last words');
    await until(() => of.status().killed.crashed === 1);
    expect((await ask(of, 'next')).text).toContain('next');
    expect(incidents).toEqual([{ cause: 'crashed', child: 'worker' }]);
  });

  it('serves many prompts with few workers, each its own answer', async () => {
    const of = await started({ sandbox: { workers: 2 } });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(of, `number ${i};`)));
    for (const [i, answer] of answers.entries()) expect(answer.text).toContain(`number ${i};`);
    await until(() => of.status().workers.idle === 2);
    expect(of.status().spawned).toBe(2);
  });

  it('says at start that no worker comes up, and leaves nothing', async () => {
    const entry = new URL('./probe.js', import.meta.url);
    await expect(started({ internal: { workerEntry: entry } })).rejects.toThrow('did not start');
    expect(runner?.status().workers).toEqual({ idle: 0, busy: 0, starting: 0 });
  });

  it('ends what runs and leaves no process after close', async () => {
    const of = await started({ sandbox: { workers: 2 } });
    expect((await ask(of, 'hello')).text).toContain('hello');
    const processes = descendants(process.pid);
    expect(processes.length).toBeGreaterThanOrEqual(2);
    const running = ask(of, 'hang');
    const waiting = [ask(of, 'deaf'), ask(of, 'waits')];
    running.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    const outcomes = Promise.allSettled([running, ...waiting]);
    await of.close();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
    expect(processes.filter(isAlive)).toEqual([]);
    await expect(ask(of, 'after')).rejects.toMatchObject({ code: 'closed' });
  });

  it.each([
    ['sandbox.workers', { workers: 0 }, '0'],
    ['sandbox.memory_bytes', { memory_bytes: 1 }, '1'],
    ['sandbox.prompts_max', { prompts_max: 0.5 }, '0.5'],
    ['sandbox.output_bytes_max', { output_bytes_max: 1023 }, '1023'],
  ])('refuses an impossible %s', (name, sandbox, value) => {
    expect(() => createPromptRunner(sandboxOptions({ sandbox }))).toThrow(
      new RegExp(`${name}.*not ${value}`),
    );
  });
});

describe.each(levels)('isolation at level %s', (level) => {
  const internal = { workerEntry, levels: [level] };

  it('gives the worker nothing of ours, and claims no more than it keeps', async () => {
    process.env.ARKALIA_TEST_SECRET = 'secret';
    const of = await started({ internal });
    delete process.env.ARKALIA_TEST_SECRET;
    const seen = JSON.parse((await ask(of, 'report')).text) as Record<string, unknown>;
    const env = Object.keys(seen.env as object).filter((name) => name !== '__CF_USER_TEXT_ENCODING');
    expect(env).toEqual([]);
    const { holds, lacks } = of.status();
    expect(of.status().level).toBe(level);
    if (level === 'strict') {
      expect(seen).toMatchObject({ uid: 65534, cwd: '/tmp' });
      expect(lacks.filter((text) => !text.startsWith('control groups: '))).toEqual([]);
      expect(of.status().short).toBeUndefined();
    } else {
      expect(seen.cwd).toContain('arkalia-sandbox-');
      expect(lacks).toContain('network: reachable');
      expect(lacks.includes('user: the same as the server')).toBe(seen.uid === process.getuid?.());
      expect(of.status().short).toBeDefined();
    }
    const permissions = level === 'strict' || holds.some((text) => text.includes("Node's permission model"));
    const denied = permissions ? 'ERR_ACCESS_DENIED' : 'allowed';
    expect(seen).toMatchObject({ read: denied, execute: denied });
    if (permissions || holds.some((text) => text.includes('RLIMIT_FSIZE')))
      expect(seen.write).not.toBe('allowed');
  });

  it.runIf(process.platform === 'linux')(
    'dies with a server that is killed, also in an endless loop',
    async () => {
      const { spawn } = await import('node:child_process');
      const script = fileURLToPath(new URL('../test/support/sandbox-parent.js', import.meta.url));
      const parent = spawn(process.execPath, [script, level], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const { dies } = JSON.parse(String(line)) as { dies: boolean };
      const processes = descendants(parent.pid as number);
      expect(processes.length).toBeGreaterThanOrEqual(2);
      const folders = () =>
        readdirSync(tmpdir()).filter((name) => name.startsWith(`arkalia-sandbox-${parent.pid}-`));
      expect(folders()).toHaveLength(1);
      expect(groupsOf(parent.pid as number).length > 0).toBe(groups.any);
      parent.kill('SIGKILL');
      if (!dies) for (const pid of processes.filter(isAlive)) process.kill(pid, 'SIGKILL');
      await until(() => !processes.some(isAlive));
      // The next one that starts removes what this one left.
      await until(() => parent.signalCode !== null);
      await started({ internal });
      expect(folders()).toEqual([]);
      expect(groupsOf(parent.pid as number)).toEqual([]);
    },
  );
});

describe('a level that the host lacks', () => {
  it('is refused at start when it is required, with the reason', async () => {
    const starting = started({ sandbox: { require: 'strict' }, internal: { levels: ['process'] } });
    await expect(starting).rejects.toThrow(
      /sandbox\.require is "strict", but .* is "process" \(no stronger level was asked for\)/,
    );
    expect(descendants(process.pid)).toEqual([]);
    await expect(started({ sandbox: { require: 'process' } })).resolves.toBeDefined();
  });
});
