import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';

interface Acknowledged {
  index: number;
  leafHash: string;
  id: string;
}
interface Page {
  events: { index: number; type: string; leaf_hash: string; data: { id?: string } }[];
}

const long = process.env.ARKALIA_TEST_LONG !== undefined;
const rounds = long ? 20 : 3;
const env = { ARKALIA_REFLEXIA_INTERVAL_MS: '200', ARKALIA_ZEROIA_ACT: 'false' };

/** Small seeded generator (mulberry32), so that a failure's round can be run again. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Posts on several connections until the server is gone, and kills it after so many answers. */
async function postUntilKilled(
  appliance: TestAppliance,
  options: { connections: number; killAfter: number },
): Promise<{ acknowledged: Acknowledged[]; unanswered: number }> {
  const acknowledged: Acknowledged[] = [];
  let unanswered = 0;
  let exited: Promise<number | null> | undefined;
  const post = async (connection: number) => {
    for (let n = 0; ; n++) {
      let answer: Response;
      let body: { id: string; receipt: { recorded: string; index: number; leaf_hash: string } };
      try {
        const sent = { cpu: n % 100, ram: connection, severity: 'low', context: `${connection}/${n}` };
        answer = await appliance.post('/zeroia/decisions', sent);
        body = (await answer.json()) as typeof body;
      } catch (error) {
        // Only the kill may leave a request without a whole answer.
        if (exited === undefined) throw error;
        unanswered += 1;
        return;
      }
      expect([answer.status, body.receipt.recorded]).toEqual([200, 'durable']);
      acknowledged.push({ index: body.receipt.index, leafHash: body.receipt.leaf_hash, id: body.id });
      if (acknowledged.length >= options.killAfter) exited ??= appliance.end('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: options.connections }, (_, connection) => post(connection)));
  expect(await exited).toBe(null);
  return { acknowledged, unanswered };
}

async function wholeLedger(appliance: TestAppliance): Promise<Page['events']> {
  const all: Page['events'] = [];
  for (;;) {
    const { events } = (await appliance.json(
      `/ledger/events?limit=1000&since=${all.length}`,
    )) as unknown as Page;
    all.push(...events);
    if (events.length < 1000) return all;
  }
}

test(
  `kill -9 while decisions are posted: every acknowledged one is there after a restart, ${rounds} times`,
  async () => {
    const seed = Number(process.env.ARKALIA_TEST_SEED ?? randomInt(2 ** 31));
    const random = seeded(seed);
    const dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
    const acknowledged: Acknowledged[] = [];
    let unansweredTotal = 0;
    let appliance = await TestAppliance.start({ dataDir, env });
    try {
      for (let round = 0; round < rounds; round++) {
        const plan = { connections: 1 + random(32), killAfter: 1 + random(600) };
        const done = await postUntilKilled(appliance, plan);
        acknowledged.push(...done.acknowledged);
        unansweredTotal += done.unanswered;
        console.log(
          `kill -9, ARKALIA_TEST_SEED=${seed}, round ${round}: ${JSON.stringify(plan)}, ${done.acknowledged.length} acknowledged`,
        );
        appliance = await TestAppliance.start({ dataDir, env });
        const ledger = await wholeLedger(appliance);
        expect(ledger.map(({ index }) => index)).toEqual(ledger.map((_, i) => i));
        const missing = acknowledged.filter(({ index, leafHash, id }) => {
          const event = ledger[index];
          return event?.type !== 'decision_made' || event.leaf_hash !== leafHash || event.data.id !== id;
        });
        expect(missing).toEqual([]);
        const ids = ledger.flatMap(({ data }) => data.id ?? []);
        expect(new Set(ids).size).toBe(ids.length);
      }
    } finally {
      await appliance.end('SIGKILL');
      await rm(dataDir, { recursive: true, force: true });
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(rounds);
    expect(new Set(acknowledged.map(({ index }) => index)).size).toBe(acknowledged.length);
    expect(unansweredTotal).toBeGreaterThan(0);
  },
  long ? 300_000 : 60_000,
);
