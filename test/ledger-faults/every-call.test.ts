import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Outcome } from './every-call.fixture.js';
import { hasShim, Shim } from './shim.js';

const script = fileURLToPath(new URL('./every-call.fixture.js', import.meta.url));
const isLong = process.env.ARKALIA_TEST_LONG !== undefined;

async function attempts(failAt: number[], fault: { forever: boolean; error: string }): Promise<Outcome[]> {
  const shim = new Shim();
  try {
    const cut = join(shim.folder, 'cut');
    mkdirSync(cut);
    const child = spawn(process.execPath, [script, JSON.stringify({ failAt, ...fault })], {
      env: { PATH: process.env.PATH, SHIM_CUT: cut, ...shim.env({ shadow: true }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    const outcomes: Outcome[] = [];
    for await (const line of createInterface({ input: child.stdout }))
      outcomes.push(JSON.parse(line) as Outcome);
    expect(await closed).toEqual([0, null]);
    return outcomes;
  } finally {
    shim.remove();
  }
}

/** Calls of a run in which none fails; all of them in a long run, otherwise some from everywhere. */
async function places({ error, forever }: { error: string; forever: boolean }): Promise<number[]> {
  // A machine that stops for a moment can split a batch or make a checkpoint more, so that one run has calls that the others have not.
  const runs: Outcome[] = [];
  for (let n = 0; n < 3; n++) runs.push(...(await attempts([0], { forever: false, error: 'EIO' })));
  for (const whole of runs) expect(whole).toMatchObject({ injected: 0, refused: [], acknowledged: 52 });
  const { calls, opening } = runs.reduce((least, run) => (run.calls < least.calls ? run : least));
  expect(calls).toBeGreaterThan(40);
  const all = Array.from({ length: calls }, (_, n) => n + 1);
  // Near the end somebody waits for a checkpoint that is being written. At the end of opening it, what a sync could not bring to the disk is
  // read by whoever opens it next.
  const telling = [calls - 8];
  if (error === 'EIO' && forever) telling.push(...all.slice(opening - 5, opening));
  return isLong ? all : all.filter((n) => n % Math.ceil(calls / 6) === 1 || telling.includes(n));
}

describe.skipIf(!hasShim)('the Nth storage call fails', () => {
  test.each([
    { error: 'EIO', forever: false },
    { error: 'ENOSPC', forever: false },
    { error: 'EIO', forever: true },
    { error: 'ENOSPC', forever: true },
    { error: 'EROFS', forever: true },
  ])(
    '%j, for every N: nobody is told a lie, the file is whole, and it records again',
    async (fault) => {
      const failAt = await places(fault);
      const outcomes = await attempts(failAt, fault);
      expect(outcomes.map((outcome) => outcome.failAt)).toEqual(failAt);
      for (const { refused, injected, acknowledged, unforeseen, ...outcome } of outcomes) {
        const at = `call ${outcome.failAt}`;
        expect([at, injected > 0]).toEqual([at, true]);
        expect([at, unforeseen]).toEqual([at, []]);
        expect([at, outcome.recovered]).toEqual([at, true]);
        expect([at, new Set([...refused, 'ledger_unavailable', 'ledger_unusable'])]).toEqual([
          at,
          new Set(['ledger_unavailable', 'ledger_unusable']),
        ]);
        for (const found of [outcome.after, outcome.afterPowerCut]) {
          expect([at, found.lost, found.faults]).toEqual([at, [], []]);
          expect(found.size).toBeGreaterThanOrEqual(acknowledged);
        }
        expect(outcome.after.vouched).toBe(outcome.after.size);
      }
      // A disk that never comes back lets nobody through after it failed.
      if (fault.forever) expect(outcomes.at(-1)!.refused.length).toBeLessThan(outcomes[0]!.acknowledged + 52);
    },
    isLong ? 1_800_000 : 120_000,
  );
});
