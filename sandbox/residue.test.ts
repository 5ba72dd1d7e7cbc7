import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodesRunning } from '../test/support/descendants.js';
import { levelsToTest } from '../test/support/levels.js';
import { timesInMemory } from '../test/support/memory-scan.js';
import { answerOf, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { ScriptedUpstream } from '../test/support/scripted-upstream.js';
import { createPromptRunner, type Sandbox } from './index.js';
import { isRoot } from './levels/identity.js';
import type { ChatJob } from './types.js';
import { wipesWhole } from './wipes-whole.js';

/** What is left of a prompt in the memory of its worker, looked for from outside. Other users' processes are open to root alone. */
const canLook = process.platform === 'linux' && isRoot();
if (!canLook)
  console.error('\nWHAT IS LEFT OF A PROMPT IN A WORKER IS NOT TESTED: it takes Linux, and root.\n');

/** How a worker forgets: it is wiped where that is whole, else another takes its place, which is tried everywhere. */
const ways = wipesWhole ? (['wiped', 'replaced'] as const) : (['replaced'] as const);
const levels = canLook ? (await levelsToTest()).flatMap((level) => ways.map((way) => ({ level, way }))) : [];
const newMark = () => `Mark${randomBytes(8).toString('hex')}`;
const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0);
const wide = 'Où est l’été ? 東京 🙂 ';

// A file without a test would be an error.
if (levels.length === 0) it.skip('nothing is left of a prompt, where that can be looked for');

describe.each(levels)('at level $level, $way', ({ level, way }) => {
  let upstream: ScriptedUpstream;
  let runner: Sandbox;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start({ as: 'openai' });
    const remote = { url: upstream.url, connect_timeout_ms: 2000, idle_timeout_ms: 10_000 };
    runner = createPromptRunner(
      sandboxOptions({
        sandbox: { workers: 1 },
        engines: { order: ['openai', 'navigator'], openai: remote },
        internal: { levels: [level], wipesWhole: way === 'wiped' },
      }),
    );
    await runner.start();
  });
  afterAll(async () => {
    await runner?.close();
    await upstream?.close();
  });

  const workers = () => nodesRunning('worker.js');

  /** Waits until as many workers stand ready as shall; the test's own timeout is the bound. */
  async function ready(): Promise<number[]> {
    const count = way === 'wiped' ? 1 : 2;
    while (runner.status().workers.idle !== count || workers().length !== count) await pause(10);
    return workers();
  }

  /** Begins the next prompt, and while it runs looks for two marks in all workers. `before`: those that stood ready for the old one. */
  async function lookDuringNext(old: string, before: number[]): Promise<{ old: number; own: number }> {
    const pids = await ready();
    if (way === 'wiped') expect(pids).toEqual(before);
    // One had the old prompt, and is gone with it.
    else expect(pids.filter((pid) => before.includes(pid)).length).toBeLessThan(before.length);
    const own = newMark();
    const abort = new AbortController();
    upstream.next({ kind: 'stall_mid', pieces: ['I am at it.'] });
    let found = { old: -1, own: -1 };
    const running = answerOf(runner, jobFor('openai', `Now ${own}`), {
      signal: abort.signal,
      onDelta: () => {
        const times = pids.map((pid) => timesInMemory(pid, [old, own]));
        found = { old: sum(times.map(([of]) => of!)), own: sum(times.map(([, of]) => of!)) };
        abort.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    return found;
  }

  const prompts: [string, (mark: string) => string][] = [
    ['short', (mark) => `My secret is ${mark}.`],
    ['long', (mark) => `${mark} ${'and so on, '.repeat(20_000)} ${mark}`],
    ['wide characters', (mark) => `${wide.repeat(2000)}${mark}${wide.repeat(2000)}`],
  ];

  it.each(prompts)(
    'nothing is left of a prompt and its answer when the next begins: %s',
    async (_name, text) => {
      const before = await ready();
      const mark = newMark();
      const pieces = ['You said ', mark.slice(0, 7), mark.slice(7), `, whole: ${mark} ${wide}`];
      upstream.next({ kind: 'ok', pieces });
      const { text: said } = await answerOf(runner, jobFor('openai', text(mark)));
      expect(said).toBe(pieces.join(''));
      const { old, own } = await lookDuringNext(mark, before);
      // The prompt that is running is found, so the other would be.
      expect(own).toBeGreaterThan(0);
      expect(old).toBe(0);
    },
  );

  // In the second round there are old objects beside the new.
  it.each([1, 2])(
    'nothing is left of one that failed, of one that was stopped, and of tools: round %i',
    async () => {
      const before = await ready();
      const mark = newMark();
      const tools = [{ name: 'clock', description: mark, parameters: { type: 'object', title: mark } }];
      const job: ChatJob = { ...jobFor('openai', mark), tools };
      upstream.next({ kind: 'die_mid', pieces: [mark] }, { kind: 'stall_mid', pieces: [mark] });
      await expect(answerOf(runner, job)).rejects.toMatchObject({ code: 'engine_died' });
      const abort = new AbortController();
      const stopped = answerOf(runner, job, { signal: abort.signal, onDelta: () => abort.abort() });
      await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
      upstream.next({ kind: 'calls', calls: [{ name: 'clock', arguments: { zone: mark } }] });
      await answerOf(runner, job);
      await answerOf(runner, jobFor('navigator', mark));
      const { old, own } = await lookDuringNext(mark, before);
      expect(own).toBeGreaterThan(0);
      expect(old).toBe(0);
    },
  );
});
