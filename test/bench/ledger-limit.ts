import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../runtime/contracts/clock.js';
import type { NewEvent } from '../../runtime/contracts/ledger.js';
import { openLedger, type SqliteLedger } from '../../runtime/ledger/ledger.js';

/**
 * Whether pruning keeps pace: fills a ledger up to its limit, then goes on for some seconds at a fixed rate and as fast as it can, and tells
 * the largest size on the disk (file and write-ahead log, looked at every 20 ms) and what a receipt waits.
 */
const { values: flags } = parseArgs({
  options: {
    limit: { type: 'string', default: '100000000' },
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '10' },
  },
});
const [limit, rate, seconds] = [flags.limit, flags.rate, flags.seconds].map(Number) as [
  number,
  number,
  number,
];
const folder = mkdtempSync(join(tmpdir(), 'arkalia-limit-'));
const padding = 'x'.repeat(600);
const event: NewEvent = {
  type: 'decision_made',
  module: 'zeroia',
  stream: 'bench',
  data: { padding },
  texts: { context: 'what somebody typed' },
};
const open = (sizeLimitBytes: number) =>
  openLedger({
    file: join(folder, 'ledger.sqlite'),
    bootId: 'bench',
    clock: systemClock,
    queueMax: 20_000,
    batchMax: 1024,
    sizeLimitBytes,
    onFailure: (error) => {
      throw error;
    },
  });

/** 256 callers that each wait for their receipt, at a rate together, or as fast as they can with 0. */
async function run(ledger: SqliteLedger, perSecond: number): Promise<string> {
  const waitsMs: number[] = [];
  const began = performance.now();
  const endMs = began + seconds * 1000;
  let largest = 0;
  const watch = setInterval(() => {
    largest = Math.max(largest, ledger.status().bytes);
  }, 20);
  let sent = 0;
  const caller = async (): Promise<void> => {
    for (;;) {
      const now = performance.now();
      if (now >= endMs) return;
      if (perSecond > 0 && sent >= ((now - began) / 1000) * perSecond) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      sent++;
      await ledger.append(event);
      waitsMs.push(performance.now() - now);
    }
  };
  const before = ledger.status();
  await Promise.all(Array.from({ length: 256 }, caller));
  const tookS = (performance.now() - began) / 1000;
  clearInterval(watch);
  const { minimum_index: minimum } = ledger.status();
  waitsMs.sort((a, b) => a - b);
  const at = (share: number) => (waitsMs[Math.floor((waitsMs.length - 1) * share)] ?? 0).toFixed(1);
  return [
    `${Math.round(waitsMs.length / tookS)} events/s`,
    `${Math.round((minimum - before.minimum_index) / tookS)} pruned/s`,
    `largest ${(largest / 1e6).toFixed(1)} MB of ${limit / 1e6}`,
    `p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms`,
  ].join(', ');
}

try {
  // The same with room, for comparison.
  const roomy = await open(1_000_000_000_000);
  console.log(`without limit   ${await run(roomy, 0)}`);
  await roomy.close();
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  const ledger = await open(limit);
  while (ledger.status().minimum_index === 0) {
    await Promise.all(Array.from({ length: 1024 }, () => ledger.append(event)));
  }
  console.log(`at ${rate}/s      ${await run(ledger, rate)}`);
  console.log(`at full speed   ${await run(ledger, 0)}`);
  await ledger.close();
} finally {
  rmSync(folder, { recursive: true });
}
