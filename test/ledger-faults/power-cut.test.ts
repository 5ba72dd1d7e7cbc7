import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { examine, type Told } from './check.js';
import { cutPower, randomFrom } from './power-cut.js';
import { hasShim, Shim } from './shim.js';

const script = fileURLToPath(new URL('./load.fixture.js', import.meta.url));
const rounds = process.env.ARKALIA_TEST_LONG === undefined ? 3 : 50;
const firstSeed = Number(process.env.ARKALIA_TEST_SEED ?? Date.now() % 1_000_000);

/** Runs the child until it was told of some events, kills it, and adds what it printed whole. */
async function runAndKill(
  shim: Shim,
  safety: 'full' | 'off',
  told: Told,
  random: () => number,
): Promise<void> {
  const child = spawn(process.execPath, [script, shim.dataDir, safety], {
    env: { PATH: process.env.PATH, ...shim.env({ shadow: true }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const killAfter = 1 + Math.floor(random() * 3000);
  const killLaterMs = random() * 10;
  let receipts = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const receipt = /^r (\d+) ([0-9a-f]{64})$/.exec(line);
    if (receipt !== null) {
      receipts++;
      told.acknowledged.set(Number(receipt[1]), receipt[2]!);
      if (receipts === killAfter) setTimeout(() => child.kill('SIGKILL'), killLaterMs);
    } else if (line.startsWith('c ')) told.checkpoints.push(Buffer.from(line.slice(2), 'base64').toString());
  }
  expect((await closed)[1]).toBe('SIGKILL');
  expect(receipts).toBeGreaterThanOrEqual(killAfter);
}

describe.skipIf(!hasShim)('the power is cut: what was not synchronised is gone, or some of it', () => {
  test(
    'acknowledged events are there at their places, the tree re-derives, no checkpoint contradicts it',
    async () => {
      const shim = new Shim();
      const told: Told = { acknowledged: new Map(), checkpoints: [] };
      try {
        for (let round = 0; round < rounds; round++) {
          const seed = firstSeed + round;
          const random = randomFrom(seed);
          const kept = round % 2 === 0 ? 0 : random();
          await runAndKill(shim, 'full', told, random);
          cutPower(shim, { kept, random });
          const found = await examine(shim.dataDir, told);
          console.log(
            `power cut, round ${round}, ARKALIA_TEST_SEED=${seed}: ${told.acknowledged.size} acknowledged, ${found.size} found, ${told.checkpoints.length} checkpoints`,
          );
          expect(found).toMatchObject({ lost: [], faults: [], contradicted: [] });
          expect(found.vouched).toBe(found.size);
          // What the examination wrote is on the disk.
          shim.settle();
        }
        expect(told.checkpoints.length).toBeGreaterThan(0);
      } finally {
        shim.remove();
      }
    },
    rounds * 20_000,
  );

  test('the same with synchronous=OFF loses events, so this test can fail', async () => {
    const shim = new Shim();
    const told: Told = { acknowledged: new Map(), checkpoints: [] };
    try {
      const random = randomFrom(firstSeed);
      await runAndKill(shim, 'off', told, random);
      cutPower(shim, { kept: 0, random });
      const { lost } = await examine(shim.dataDir, told);
      expect(lost.length).toBeGreaterThan(0);
    } finally {
      shim.remove();
    }
  }, 40_000);
});
