import { randomBytes } from 'node:crypto';
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
if (!wipesWhole)
  console.error(
    '\nTHIS VERSION OF NODE LEAVES PARTS OF A PROMPT IN A WORKER: /status says so under lacks, sandbox.fresh helps.\n',
  );
else if (!canLook)
  console.error('\nWHAT IS LEFT OF A PROMPT IN A WORKER IS NOT TESTED: it takes Linux, and root.\n');

const levels = canLook && wipesWhole ? await levelsToTest() : [];
const newMark = () => `Mark${randomBytes(8).toString('hex')}`;
const wide = 'Où est l’été ? 東京 🙂 ';

// A file without a test would be an error.
if (levels.length === 0) it.skip('nothing is left of a prompt, where that can be looked for');

describe.each(levels)('at level %s', (level) => {
  let upstream: ScriptedUpstream;
  let runner: Sandbox;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start({ as: 'openai' });
    const remote = { url: upstream.url, connect_timeout_ms: 2000, idle_timeout_ms: 10_000 };
    runner = createPromptRunner(
      sandboxOptions({
        sandbox: { workers: 1 },
        engines: { order: ['openai', 'navigator'], openai: remote },
        internal: { levels: [level] },
      }),
    );
    await runner.start();
  });
  afterAll(async () => {
    await runner?.close();
    await upstream?.close();
  });

  /** Begins the next prompt on the same worker, and while it runs looks for two marks. */
  async function lookDuringNext(old: string): Promise<{ old: number; own: number }> {
    const [pid] = nodesRunning('worker.js');
    const own = newMark();
    const abort = new AbortController();
    upstream.next({ kind: 'stall_mid', pieces: ['I am at it.'] });
    let found = { old: -1, own: -1 };
    const running = answerOf(runner, jobFor('openai', `Now ${own}`), {
      signal: abort.signal,
      onDelta: () => {
        found = { old: timesInMemory(pid!, old), own: timesInMemory(pid!, own) };
        abort.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(nodesRunning('worker.js')).toEqual([pid]);
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
      const mark = newMark();
      const pieces = ['You said ', mark.slice(0, 7), mark.slice(7), `, whole: ${mark} ${wide}`];
      upstream.next({ kind: 'ok', pieces });
      const { text: said } = await answerOf(runner, jobFor('openai', text(mark)));
      expect(said).toBe(pieces.join(''));
      const { old, own } = await lookDuringNext(mark);
      // The prompt that is running is found, so the other would be.
      expect(own).toBeGreaterThan(0);
      expect(old).toBe(0);
    },
  );

  // In the second round there are old objects beside the new.
  it.each([1, 2])(
    'nothing is left of one that failed, of one that was stopped, and of tools: round %i',
    async () => {
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
      const { old, own } = await lookDuringNext(mark);
      expect(own).toBeGreaterThan(0);
      expect(old).toBe(0);
    },
  );
});
