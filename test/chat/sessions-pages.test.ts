import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { joinedLists, type SessionList } from '../../runtime/contracts/session-list.js';
import { TestAppliance } from '../support/appliance.js';
import { answered, record } from '../support/kept-chats.js';

const pageEvents = 5000;
let appliance: TestAppliance;
let dataDir: string;
/** Index of the oldest that is ours; one of another stands before it. */
let first: number;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
  const mine = [answered('oldest', 'What is oldest?'), answered('border', 'What began back there?')];
  const theirs = Array.from({ length: pageEvents }, (_, n) => answered(`b${n}`, 'theirs', 'of-bob'));
  first = 1 + (await record(dataDir, [theirs[0]!, ...mine, ...theirs, answered('border', 'And then?')]));
  const env = { ARKALIA_ZEROIA_ACT: 'false', ARKALIA_REFLEXIA_INTERVAL_MS: '3600000' };
  appliance = await TestAppliance.start({ dataDir, env });
}, 60_000);
afterAll(async () => {
  await appliance.close();
  await rm(dataDir, { recursive: true, force: true });
});

const page = async (until?: number | null) =>
  (await appliance.json(
    typeof until === 'number' ? `/sessions?until=${until}` : '/sessions',
  )) as unknown as SessionList;
const titles = ({ sessions }: SessionList) => sessions.map(({ id, title }) => [id, title]);

test('the list goes on behind 5,000 events of others, and a conversation on the border is one', async () => {
  const newest = await page();
  expect([titles(newest), newest.next]).toEqual([[['border', 'And then?']], first + 2]);
  const oldest = await page(newest.next);
  expect(titles(oldest)).toEqual([
    ['border', 'What began back there?'],
    ['oldest', 'What is oldest?'],
  ]);
  expect(oldest.next).toBeNull();
  const { sessions } = joinedLists(newest, oldest);
  expect(sessions.map(({ id, answers }) => [id, answers])).toEqual([
    ['border', 2],
    ['oldest', 1],
  ]);
  expect(sessions[0]).toMatchObject({
    created_ms: oldest.sessions[0]!.created_ms,
    last_used_ms: newest.sessions[0]!.last_used_ms,
  });
});

test('`until` is included: what was said at that index is listed, and a place behind the end is the newest', async () => {
  expect(titles(await page(first))).toEqual([['oldest', 'What is oldest?']]);
  expect((await page(first + 1)).sessions).toHaveLength(2);
  expect(await page(first - 1)).toEqual({ sessions: [], titles: [], next: null });
  expect(await page(999_999_999_999_999)).toEqual(await page());
});

test('a title given now is told with the newest events, for what is further back', async () => {
  const named = await appliance.post('/sessions/oldest/title', { title: 'mine' });
  expect(named.status).toBe(200);
  const newest = await page();
  expect(newest.titles).toEqual([{ id: 'oldest', title: 'mine' }]);
  expect(titles(newest)).toEqual([['border', 'And then?']]);
  const oldest = await page(newest.next);
  expect(oldest.titles).toEqual([]);
  expect(titles(joinedLists(newest, oldest))).toContainEqual(['oldest', 'mine']);
});

test('what is erased between two pages is on neither, its title neither', async () => {
  const { next } = await page();
  const erased = await fetch(`${appliance.url}/sessions/oldest`, { method: 'DELETE' });
  expect(erased.status).toBe(200);
  expect(titles(await page(next))).toEqual([['border', 'What began back there?']]);
  expect((await page()).titles).toEqual([]);
});

test.each(['-1', '1.5', '', 'x', '1e3', '0x1', '1000000000000000', '5&until=6'])(
  '`until=%s` is refused with what it must be',
  async (until) => {
    const answer = await fetch(`${appliance.url}/sessions?until=${until}`);
    const body = (await answer.json()) as { detail: string };
    expect([answer.status, body]).toMatchObject([400, { code: 'invalid_request', param: 'until' }]);
    if (!until.includes('&')) expect(body.detail).toContain('whole number from 0');
  },
);

test('another parameter is refused by its name', async () => {
  const answer = await fetch(`${appliance.url}/sessions?before=5`);
  expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'invalid_request' }]);
});
