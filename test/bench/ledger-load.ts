import { join } from 'node:path';
import { createHistogram, performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../runtime/contracts/clock.js';
import { AppError } from '../../runtime/contracts/errors.js';
import { CanonicalJson } from '../../runtime/contracts/json.js';
import { openLedger, type SqliteLedger } from '../../runtime/ledger/ledger.js';
import { decisionLeaf, decisionText, RawTable } from './raw-table.js';

/** What one run is to do; given as JSON in the first argument. */
export interface LedgerLoad {
  folder: string;
  /**
   * `raw`: better-sqlite3 alone, with the ledger's settings and its table of events, which finds type and stream by an index each, as the
   * ledger finds them without; `bare`: without those indexes; `asked`: the bare one in a thread of its own, which one caller asks and waits
   * for; `fill`: records `events` and ends without closing; `open`: opens what is there and says its size in place of the events a second.
   */
  subject: 'ledger' | 'raw' | 'bare' | 'asked' | 'fill' | 'open';
  /** Callers that each wait for their receipt before the next event; of `raw` and `bare`: rows in a transaction. */
  callers: number;
  seconds: number;
  /** Events that the ledger puts into one transaction at most. */
  batchMax?: number;
  events?: number;
  queueMax?: number;
}

/** What one run saw; sent to the parent. */
export interface LedgerMeasured {
  eventsPerSecond: number;
  /** Events in a transaction, on the average. */
  batch: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  /** Of the calling thread, for each event; its caller here included. */
  threadUs: number;
  /** Refused because the queue was full. */
  refused: number;
  residentMiB: number;
}

const data = new CanonicalJson(decisionText);

async function ledgerRun({
  folder,
  callers,
  seconds,
  queueMax = 20_000,
  batchMax,
}: LedgerLoad): Promise<LedgerMeasured> {
  const latency = createHistogram();
  const ledger = await openIn(folder, queueMax, batchMax);
  let refused = 0;
  let running = true;
  const call = async (stream: string) => {
    while (running) {
      const beganMs = performance.now();
      try {
        await ledger.append({ type: 'decision_made', module: 'zeroia', stream, data });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        refused++;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? 1));
        continue;
      }
      latency.record(Math.max(1, Math.round((performance.now() - beganMs) * 1000)));
    }
  };
  const commitsBefore = ledger.status().commits;
  const before = performance.eventLoopUtilization();
  const beganMs = performance.now();
  const all = Promise.all(Array.from({ length: callers }, (_, n) => call(`caller-${n}`)));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  running = false;
  await all;
  const elapsedMs = performance.now() - beganMs;
  const { active } = performance.eventLoopUtilization(before);
  const { size, commits } = ledger.status();
  const measured = {
    eventsPerSecond: Math.round((size * 1000) / elapsedMs),
    batch: size / (commits - commitsBefore),
    p50Ms: latency.percentile(50) / 1000,
    p95Ms: latency.percentile(95) / 1000,
    p99Ms: latency.percentile(99) / 1000,
    threadUs: (active * 1000) / size,
    refused,
    residentMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
  };
  await ledger.close();
  return measured;
}

/** Commits one batch after the other as fast as they go. */
async function rawLoop(rows: number, seconds: number, add: () => unknown): Promise<LedgerMeasured> {
  const latency = createHistogram();
  let added = 0;
  const beganMs = performance.now();
  while (performance.now() - beganMs < seconds * 1000) {
    const startedMs = performance.now();
    await add();
    added += rows;
    latency.record(Math.max(1, Math.round((performance.now() - startedMs) * 1000)));
  }
  const elapsedMs = performance.now() - beganMs;
  return {
    eventsPerSecond: Math.round((added * 1000) / elapsedMs),
    batch: rows,
    p50Ms: latency.percentile(50) / 1000,
    p95Ms: latency.percentile(95) / 1000,
    p99Ms: latency.percentile(99) / 1000,
    threadUs: (elapsedMs * 1000) / added,
    refused: 0,
    residentMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
  };
}

async function rawRun({ folder, subject, callers, seconds }: LedgerLoad): Promise<LedgerMeasured> {
  const table = new RawTable(folder, { indexed: subject === 'raw' });
  const leaves = new Array<Buffer>(callers).fill(decisionLeaf);
  const measured = await rawLoop(callers, seconds, () => table.add(leaves));
  table.close();
  return measured;
}

async function askedRun({ folder, seconds }: LedgerLoad): Promise<LedgerMeasured> {
  const thread = new Worker(new URL('./raw-thread.js', import.meta.url), { workerData: folder });
  let answered = () => {};
  thread.on('message', () => answered());
  const ask = () =>
    new Promise<void>((resolve) => {
      answered = resolve;
      thread.postMessage(1);
    });
  await ask();
  const measured = await rawLoop(1, seconds, ask);
  await thread.terminate();
  return measured;
}

function openIn(folder: string, queueMax: number, batchMax = 1024): Promise<SqliteLedger> {
  return openLedger({
    file: join(folder, 'ledger.sqlite'),
    bootId: 'bench',
    clock: systemClock,
    queueMax,
    batchMax,
    onFailure: (error) => {
      throw error;
    },
  });
}

const nothing = { batch: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, threadUs: 0, refused: 0, residentMiB: 0 };

async function fill({ folder, callers, events = 0 }: LedgerLoad): Promise<LedgerMeasured> {
  const ledger = await openIn(folder, callers);
  for (let at = 0; at < events; at += callers) {
    await Promise.all(
      Array.from({ length: Math.min(callers, events - at) }, () =>
        ledger.append({ type: 'decision_made', module: 'zeroia', data }),
      ),
    );
  }
  return { ...nothing, eventsPerSecond: ledger.status().size };
}

async function open({ folder }: LedgerLoad): Promise<LedgerMeasured> {
  const ledger = await openIn(folder, 16);
  return { ...nothing, eventsPerSecond: ledger.status().size };
}

const subjects = { ledger: ledgerRun, raw: rawRun, bare: rawRun, asked: askedRun, fill, open } as const;
const load = JSON.parse(process.argv[2] ?? '{}') as LedgerLoad;
const measured = await subjects[load.subject](load);
if (process.send === undefined) console.log(measured);
else process.send(measured, () => process.kill(process.pid, 'SIGKILL'));
