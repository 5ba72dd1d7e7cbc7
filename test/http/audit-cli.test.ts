import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processIo } from '../../runtime/cli/io.js';
import { runCli } from '../../runtime/cli/program.js';
import { systemClock } from '../../runtime/contracts/clock.js';
import type { StoredEvent } from '../../runtime/contracts/ledger.js';
import { openLedger } from '../../runtime/ledger/ledger.js';
import { cli } from './cli.js';

const model = fileURLToPath(new URL('../../../test/fixtures/models/tiny-chat.gguf', import.meta.url));

let dataDir: string;
let models: string;
/** Where a model can be fetched. */
let shelf: http.Server;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-audit-cli-'));
  models = await mkdtemp(join(tmpdir(), 'arkalia-audit-cli-models-'));
  await chmod(models, 0o755);
  shelf = http.createServer((_, response) => response.end(readFileSync(model)));
  await once(shelf.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  shelf.closeAllConnections();
  shelf.close();
  for (const folder of [dataDir, models]) await rm(folder, { recursive: true });
});

const env = () => ({
  ARKALIA_MODELS_DIR: models,
  ARKALIA_MODELS_PULL_HOSTS: `127.0.0.1:${(shelf.address() as AddressInfo).port}`,
  USER_PASSWORD: 'correct horse battery',
});
async function run(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli([...argv, '--data', dataDir], { cwd: dataDir, env: env() });
  expect([argv, code, stderr]).toEqual([argv, 0, stderr]);
  return stdout;
}
async function recorded(type: string): Promise<StoredEvent[]> {
  const ledger = await openLedger({
    ...{ file: join(dataDir, 'ledger.sqlite'), bootId: 'look', clock: systemClock },
    ...{ queueMax: 10, batchMax: 10 },
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    return await ledger.query({ type, limit: 1000, order: 'asc' });
  } finally {
    await ledger.close();
  }
}

let key = '';

/** What each verb that changes something does without a server, and the event that tells of it. In an order in which they work. */
const acts: Record<string, { event: string; act: () => Promise<unknown> }> = {
  'keys create': {
    event: 'key_created',
    act: async () => {
      key = (await run('keys', 'create', 'secretive')).split('_')[1]!;
    },
  },
  'keys revoke': { event: 'key_revoked', act: () => run('keys', 'revoke', key) },
  'users add': { event: 'user_added', act: () => run('users', 'add', 'ada') },
  'users password': { event: 'password_changed', act: () => run('users', 'password', 'ada') },
  'users remove': { event: 'user_removed', act: () => run('users', 'remove', 'ada') },
  'models add': { event: 'model_added', act: () => run('models', 'add', model, '--name', 'one') },
  'models verify': { event: 'model_verified', act: () => run('models', 'verify', 'one') },
  'models default': { event: 'model_chosen', act: () => run('models', 'default', 'one') },
  'models pull': {
    event: 'model_added',
    act: () => {
      const { port } = shelf.address() as AddressInfo;
      return run('models', 'pull', `http://127.0.0.1:${port}/tiny.gguf`, '--name', 'two');
    },
  },
  'models remove': { event: 'model_removed', act: () => run('models', 'remove', 'one') },
  erase: { event: 'erased', act: () => run('erase', '--session', 'nobody') },
  'keys rotate-log': { event: 'epoch_started', act: () => run('keys', 'rotate-log') },
};
/** These act through a running server only, by a route whose event `audit.test.ts` looks for. */
const byRoute = [
  'setup-code',
  'breakers force-open',
  'breakers disable',
  'breakers metrics-only',
  'breakers reset',
  'incidents acknowledge',
  'incidents close',
];
/** These read, ask as a user does, or write a file of their own. */
const reading = [
  ...['doctor', 'chat', 'decide', 'config', 'replay', 'verify', 'backup', 'export', 'analyze', 'timeline'],
  ...['keys list', 'keys usage', 'keys show-verifier', 'keys show-witness', 'users list', 'breakers list'],
  ...['models list', 'incidents list', 'zeroia quick', 'zeroia stress', 'zeroia monitor', 'zeroia daemon'],
  'version',
];
/** The start is `system_started`; a restored log begins an epoch that says so, as the tests of backups hold. */
const byThemselves = ['serve', 'restore'];

test('what the command line changes without a server is recorded, with who did it, and without names', async () => {
  for (const [verb, { event, act }] of Object.entries(acts)) {
    const before = event === 'epoch_started' ? 0 : (await recorded(event)).length;
    await act();
    const events = await recorded(event);
    expect([verb, events.length]).toEqual([verb, before + 1]);
    const { data } = events.at(-1)!;
    if (event !== 'epoch_started')
      expect([verb, data.by, data.actor]).toEqual([
        verb,
        ...(event === 'erased' ? ['session', 'command line'] : ['command line', undefined]),
      ]);
    expect(JSON.stringify(events.at(-1))).not.toMatch(/"ada"|secretive|horse/);
  }
}, 120_000);

test('no verb is missing here', async () => {
  const verbsIn = async (...argv: string[]) => {
    let help = '';
    const out = (text: string) => {
      help += text;
    };
    await runCli([...argv, '--help'], { ...processIo, out });
    const [, list = ''] = help.split('\nCommands:\n');
    return [...(list.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z]\S*)/gm)]
      .map(([, verb]) => verb!)
      .filter((verb) => verb !== 'help');
  };
  const verbs: string[] = [];
  for (const verb of await verbsIn()) {
    const inner = await verbsIn(verb);
    verbs.push(...(inner.length === 0 ? [verb] : inner.map((name) => `${verb} ${name}`)));
  }
  expect(verbs.sort()).toEqual([...Object.keys(acts), ...byRoute, ...reading, ...byThemselves].sort());
});
