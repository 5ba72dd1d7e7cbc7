import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { answered, record } from '../support/kept-chats.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { lastConversation } from './support.js';

const recalledEvents = 1000;
let appliance: TestAppliance;
let upstream: ScriptedUpstream;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
  const back = ['opened', 'unopened', 'erased'].map((id) => answered(id, `My cat is called ${id}.`));
  const theirs = Array.from({ length: recalledEvents }, (_, n) => answered(`b${n}`, 'theirs', 'of-bob'));
  await record(dataDir, [...back, answered('opened', 'of bob', 'of-bob'), ...theirs]);
  upstream = await ScriptedUpstream.start({ models: ['quill'] });
  upstream.always({ kind: 'ok', pieces: ['Plume.'] });
  const env = {
    ...{ ARKALIA_ZEROIA_ACT: 'false', ARKALIA_REFLEXIA_INTERVAL_MS: '3600000' },
    ...{ ARKALIA_ENGINES_OPENAI_URL: upstream.url, ARKALIA_ENGINES_ORDER: 'openai' },
  };
  appliance = await TestAppliance.start({ dataDir, env });
}, 60_000);
afterAll(async () => {
  await appliance.close();
  await upstream.close();
  await rm(dataDir, { recursive: true, force: true });
});

const read = (id: string) => fetch(`${appliance.url}/sessions/${id}`);
/** What the model was sent of the conversation when it is asked once more. */
async function sent(session_id: string): Promise<string[]> {
  const answer = await appliance.post('/chat', { session_id, message: 'What is it called?' });
  expect(answer.status).toBe(200);
  return lastConversation(upstream);
}

test('a conversation from far back goes on when it was read, without what another said in one of that id', async () => {
  expect((await read('opened')).status).toBe(200);
  expect(await sent('opened')).toEqual(['My cat is called opened.', 'Aye.', 'What is it called?']);
});

test('one that was not read begins anew; read after that, nothing of it comes twice', async () => {
  expect(await sent('unopened')).toEqual(['What is it called?']);
  expect((await read('unopened')).status).toBe(200);
  expect(await sent('unopened')).toEqual(['What is it called?', 'Plume.', 'What is it called?']);
});

test('what was read and then erased does not go on', async () => {
  expect((await read('erased')).status).toBe(200);
  const erased = await fetch(`${appliance.url}/sessions/erased`, { method: 'DELETE' });
  expect(erased.status).toBe(200);
  expect((await read('erased')).status).toBe(404);
  expect(await sent('erased')).toEqual(['What is it called?']);
});
