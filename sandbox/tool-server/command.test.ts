import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { levelsToTest } from '../../test/support/levels.js';
import { sandboxOptions } from '../../test/support/sandbox-options.js';
import { createPromptRunner } from '../index.js';

let runner: ReturnType<typeof createPromptRunner> | undefined;
afterEach(async () => {
  await runner?.close();
  runner = undefined;
});

const levels = await levelsToTest();
const unshare = '/usr/bin/unshare';

/** What a shell command writes as a tool server at level strict. */
async function said(command: string): Promise<string[]> {
  runner = createPromptRunner(sandboxOptions({ sandbox: { workers: 1 }, internal: { levels: ['strict'] } }));
  await runner.start();
  const lines: string[] = [];
  const spec = { command: '/bin/sh', args: ['-c', command], folders: [], env: {} };
  const server = runner.startToolServer(
    { ...spec, memoryBytes: 536_870_912, lineBytesMax: 1000 },
    (line) => void lines.push(line),
  );
  await server.exited;
  return lines;
}

describe.runIf(levels.includes('strict'))('a tool server at level strict', () => {
  it('starts programs and reads its own tmp', async () => {
    expect(await said('echo text >/tmp/file; (cat /tmp/file); ls /tmp | wc -l')).toEqual(['text', '1']);
  });

  it.runIf(existsSync(unshare))('makes no namespace, of no kind', async () => {
    const kinds = ['--user', '--mount', '--net', '--pid', '--ipc', '--uts', '--cgroup', '--time'];
    const tries = kinds.map((kind) => `${unshare} ${kind} true 2>/dev/null && echo made ${kind}`).join('; ');
    expect(await said(`${tries}; echo end`)).toEqual(['end']);
  });
});
