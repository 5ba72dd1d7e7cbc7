import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../runtime/contracts/clock.js';
import { openLedger } from '../runtime/ledger/ledger.js';

const long = process.env.ARKALIA_TEST_LONG !== undefined;
const events = long ? 1_000_000 : 60_000;
/** Nobody reads for so long: without a bound some 70 MB would lie in memory by then. */
const silentMs = 3000;
/** Young objects get more room in a heap that is busy for longer; without a bound a million events would be a gigabyte. */
const growthMiBMax = long ? 96 : 48;
const command = fileURLToPath(new URL('../runtime/cli/main.js', import.meta.url));

let folder: string;
let data: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-export-'));
  data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const ledger = await openLedger({
    file: join(data, 'ledger.sqlite'),
    bootId: 'test',
    clock: systemClock,
    queueMax: 100_000,
    batchMax: 4096,
    sizeLimitBytes: 10_000_000_000,
    onFailure: (error) => {
      throw error;
    },
  });
  const padding = 'x'.repeat(1000);
  for (let from = 0; from < events; from += 10_000) {
    await Promise.all(
      Array.from({ length: 10_000 }, (_, n) =>
        ledger.append({ type: 'decision_made', module: 'zeroia', data: { n: from + n, padding } }),
      ),
    );
  }
  await ledger.close();
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** The most memory that a process has had, in MiB; undefined where that is not told. */
function peakMiB({ pid }: ChildProcess): number | undefined {
  try {
    const [, kib] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Exports, and reads all of it, first nothing for a while: how many lines came, and how much memory it took at most. */
async function exporting(silentMs: number, ...argv: string[]) {
  const child = spawn(process.execPath, [command, 'export', '--data', data, ...argv], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let lines = 0;
  let peak: number | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) lines++;
    peak = peakMiB(child) ?? peak;
  });
  child.stdout.pause();
  await new Promise((resolve) => setTimeout(resolve, silentMs));
  child.stdout.resume();
  const [code] = (await closed) as [number];
  return { lines, peak, code };
}

test(
  `${events} events are exported in the memory of a few, and wait for a reader that is slow`,
  async () => {
    const few = await exporting(0, '--until', '2000');
    expect([few.code, few.lines]).toEqual([0, 2001]);
    for (const format of ['jsonl', 'csv']) {
      // What the pipe and a page hold is all that may be made until somebody reads; and the end waits for the reader too.
      const all = await exporting(silentMs, '--format', format);
      expect([format, all.code, all.lines]).toEqual([format, 0, events + (format === 'csv' ? 1 : 0)]);
      if (few.peak !== undefined) expect(all.peak! - few.peak, format).toBeLessThan(growthMiBMax);
    }
  },
  long ? 1_200_000 : 120_000,
);
