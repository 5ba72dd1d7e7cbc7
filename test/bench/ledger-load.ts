import { join } from 'node:path';
import { createHistogram, performance } from 'node:perf_hooks';
import { systemClock } from '../../runtime/contracts/clock.js';
import { AppError } from '../../runtime/contracts/errors.js';
import { CanonicalJson } from '../../runtime/contracts/json.js';
import { openForWriting } from '../../runtime/ledger/database.js';
import { openLedger, type SqliteLedger } from '../../runtime/ledger/ledger.js';

/** What one run is to do; given as JSON in the first argument. */
export interface LedgerLoad {
  folder: string;
  /**
   * `raw`: better-sqlite3 alone, with the ledger's settings and its table of events, which finds type and stream by an index each, as the
   * ledger finds them without; `bare`: without those indexes; `fill`: records `events` and ends without closing; `open`: opens
   * what is there and says its size in place of the events a second.
   */
  subject: 'ledger' | 'raw' | 'bare' | 'fill' | 'open';
  /** Callers that each wait for their receipt before the next event; of `raw` and `bare`: rows in a transaction. */
  callers: number;
  seconds: number;
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

// A decision as /zeroia/decisions records it.
const data = new CanonicalJson(
  `{"absent":["context_relevance","error_rate","response_time"],"confidence":0.5312500000000001,"core_sha256":"${'ab'.repeat(32)}","decision":"monitor","factors":{"consistency":[0.5,0.3333333333333333],"resource_efficiency":[0.225,0.3333333333333333],"system_health":[0.5,0.3333333333333333]},"id":"d-0123456789-1a2b","input":{"cpu":85,"ram":70,"severity":"high"},"parameters":[0.25,0.2,0.15,0.15,0.15,0.1,0,0.2,0.3,0.5,0.75,1,80,60,85,70,75,65,0.1,10000],"pressure":0.775,"reasons":["cpu_above_80"],"weights_version":"0123456789abcdef"}`,
);

async function ledgerRun({
  folder,
  callers,
  seconds,
  queueMax = 20_000,
}: LedgerLoad): Promise<LedgerMeasured> {
  const latency = createHistogram();
  const ledger = await openIn(folder, queueMax);
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

function rawRun({ folder, subject, callers, seconds }: LedgerLoad): LedgerMeasured {
  const file = join(folder, 'ledger.sqlite');
  const { db } = openForWriting(file, 500_000_000);
  if (subject === 'raw') {
    for (const column of ['type', 'stream']) db.exec(`CREATE INDEX by_${column} ON events (${column})`);
  }
  const insert = db.prepare(
    'INSERT INTO events ("index", type, module, stream, correlation_id, time_ms, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const leaf = Buffer.from(
    `{"boot_id":"bench","data":${data.text},"module":"zeroia","monotonic_ms":123456,"stream":"caller-1","time_ms":1760000000000,"type":"decision_made","v":1}`,
  );
  const hash = Buffer.alloc(32, 7);
  const latency = createHistogram();
  let index = 0;
  const batch = db.transaction(() => {
    for (let n = 0; n < callers; n++) {
      insert.run(index++, 'decision_made', 'zeroia', `caller-${n}`, null, 1_760_000_000_000, leaf, hash);
    }
  });
  const beganMs = performance.now();
  while (performance.now() - beganMs < seconds * 1000) {
    const startedMs = performance.now();
    batch.immediate();
    latency.record(Math.max(1, Math.round((performance.now() - startedMs) * 1000)));
  }
  const elapsedMs = performance.now() - beganMs;
  db.close();
  return {
    eventsPerSecond: Math.round((index * 1000) / elapsedMs),
    batch: callers,
    p50Ms: latency.percentile(50) / 1000,
    p95Ms: latency.percentile(95) / 1000,
    p99Ms: latency.percentile(99) / 1000,
    threadUs: (elapsedMs * 1000) / index,
    refused: 0,
    residentMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
  };
}

function openIn(folder: string, queueMax: number): Promise<SqliteLedger> {
  return openLedger({
    file: join(folder, 'ledger.sqlite'),
    bootId: 'bench',
    clock: systemClock,
    queueMax,
    batchMax: 1024,
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

const subjects = { ledger: ledgerRun, raw: rawRun, bare: rawRun, fill, open } as const;
const load = JSON.parse(process.argv[2] ?? '{}') as LedgerLoad;
const measured = await subjects[load.subject](load);
if (process.send === undefined) console.log(measured);
else process.send(measured, () => process.kill(process.pid, 'SIGKILL'));
