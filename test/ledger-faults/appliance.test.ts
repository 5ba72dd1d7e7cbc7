import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { hasShim, Shim } from './shim.js';

const decision = { cpu: 1, ram: 1, severity: 'normal' };

describe.skipIf(!hasShim)('an appliance whose disk refuses', () => {
  let shim: Shim;
  let appliance: TestAppliance;
  const acknowledged: { index: number; leaf_hash: string }[] = [];
  beforeAll(async () => {
    shim = new Shim();
    appliance = await TestAppliance.start({
      dataDir: shim.dataDir,
      env: { ...shim.env({ shadow: false }), ARKALIA_ZEROIA_ACT: 'false' },
    });
  });
  afterAll(async () => {
    await appliance.close();
    shim.remove();
  });

  const decide = () => appliance.post('/zeroia/decisions', decision);
  const ledgerStatus = async () => (await appliance.json('/status')).ledger as Record<string, unknown>;
  async function untilOpen(): Promise<void> {
    while ((await ledgerStatus()).state !== 'open') await new Promise((resolve) => setTimeout(resolve, 50));
  }
  async function take(): Promise<void> {
    const answer = await decide();
    expect(answer.status).toBe(200);
    acknowledged.push(((await answer.json()) as { receipt: (typeof acknowledged)[number] }).receipt);
  }

  test.each([
    { error: 'ENOSPC', trouble: 'disk_full', why: 'the disk is full' },
    { error: 'EIO', trouble: 'io_error', why: 'the disk reports an error' },
  ] as const)(
    '$error: what must be recorded is refused and says why, the rest is served, and it mends itself',
    async ({ error, trouble, why }) => {
      await take();
      shim.control.arm(1, { error, forever: true });
      const refused = await decide();
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({
        code: 'ledger_unavailable',
        detail: expect.stringContaining(why),
        retry_after_ms: expect.any(Number),
      });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

      expect(await appliance.json('/health')).toMatchObject({ status: 'ok' });
      const status = await ledgerStatus();
      expect(status).toMatchObject({ state: 'unavailable', trouble, pending: 0 });
      expect(String(status.problem).length).toBeGreaterThan(3);
      const ready = await fetch(`${appliance.url}/ready`);
      expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('unavailable')]);
      const { events } = (await appliance.json('/ledger/events?type=decision_made')) as {
        events: { leaf_hash: string }[];
      };
      const stored = events.map((event) => event.leaf_hash);
      for (const { leaf_hash } of acknowledged) expect(stored).toContain(leaf_hash);
      const chat = await appliance.post('/chat', { message: 'How are you?' });
      expect(chat.status).toBe(503);
      expect(await chat.json()).toMatchObject({
        code: 'ledger_unavailable',
        detail: expect.stringContaining('no answer is given that is not recorded'),
      });
      const queued = await appliance.post('/zeroia/decisions?record=queued', decision);
      expect(queued.status).toBe(503);
      expect(await (await fetch(`${appliance.url}/metrics`)).text()).toContain('arkalia_ledger_recording 0');

      shim.control.set({ failAt: 0 });
      await untilOpen();
      await take();
      expect((await appliance.post('/chat', { message: 'How are you?' })).status).toBe(200);
      expect((await fetch(`${appliance.url}/ready`)).status).toBe(200);
      const gap = (await appliance.json('/ledger/events?type=ledger_recovered&order=desc&limit=1')) as {
        events: { data: object }[];
      };
      expect(gap.events[0]?.data).toMatchObject({
        trouble,
        down_ms: expect.any(Number),
        refused: expect.any(Number),
      });
      expect(appliance.output.text).toContain('the ledger cannot record');
      expect(appliance.output.text).toContain('the ledger records again');
    },
    60_000,
  );

  test('everything that was acknowledged is there after a restart, at its place', async () => {
    expect(await appliance.end()).toBe(0);
    appliance = await TestAppliance.start({ dataDir: shim.dataDir });
    for (const { index, leaf_hash } of acknowledged) {
      const { events } = (await appliance.json(`/ledger/events?since=${index}&limit=1`)) as {
        events: { index: number; leaf_hash: string }[];
      };
      expect(events[0]).toMatchObject({ index, leaf_hash });
    }
  });
});

test.skipIf(!hasShim)(
  'a disk slower than the arrivals: a bounded queue, 503 with Retry-After, and nothing acknowledged is lost',
  async () => {
    const shim = new Shim();
    const appliance = await TestAppliance.start({
      dataDir: shim.dataDir,
      env: {
        ...shim.env({ shadow: false }),
        ARKALIA_ZEROIA_ACT: 'false',
        ARKALIA_LEDGER_QUEUE_MAX: '16',
        ARKALIA_LIMITS_REQUESTS_PER_SECOND: '1000000',
        ARKALIA_LIMITS_REQUESTS_BURST: '1000000',
      },
    });
    try {
      shim.control.set({ delayUs: 50_000 });
      const acknowledged: string[] = [];
      let refused = 0;
      const pending: number[] = [];
      for (let wave = 0; wave < 5; wave++) {
        const answers = Promise.all(
          Array.from({ length: 60 }, () => appliance.post('/zeroia/decisions', decision)),
        );
        const { ledger } = (await appliance.json('/status')) as { ledger: { pending: number } };
        pending.push(ledger.pending);
        for (const answer of await answers) {
          const body = (await answer.json()) as { receipt: { leaf_hash: string }; code: string };
          if (answer.status === 200) acknowledged.push(body.receipt.leaf_hash);
          else {
            refused++;
            expect([answer.status, body.code]).toEqual([503, 'ledger_unavailable']);
            expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
          }
        }
      }
      expect(refused).toBeGreaterThan(0);
      expect(acknowledged.length).toBeGreaterThanOrEqual(16);
      expect(Math.max(...pending)).toBeLessThanOrEqual(16);
      shim.control.set({ delayUs: 0 });
      const { events } = (await appliance.json('/ledger/events?type=decision_made&limit=1000')) as {
        events: { leaf_hash: string }[];
      };
      const stored = new Set(events.map((event) => event.leaf_hash));
      expect(acknowledged.filter((leaf) => !stored.has(leaf))).toEqual([]);
    } finally {
      await appliance.close();
      shim.remove();
    }
  },
  60_000,
);
