import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hasShim, Shim } from '../ledger-faults/shim.js';
import type { LedgerLoad, LedgerMeasured } from './ledger-load.js';
import { benchProofs } from './ledger-proofs.js';
import { realRest, simulatedRest } from './ledger-rest.js';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'rest-seconds': { type: 'string', default: '90' },
    'rest-hours': { type: 'string', default: '24' },
    'only-rest': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    'npm run bench:ledger -- [--seconds 5] [--rounds 3] [--rest-seconds 90] [--rest-hours 24] [--only-rest] [--json FILE]\nDurable events a second against better-sqlite3 alone, on a slow disk, a restart with a million events and their export, proofs at 1 and 10 million leaves, and what a device at rest writes: in simulated hours of three seeds, and a real one for some seconds with time 25 times as fast.',
  );
  process.exit(0);
}
const number = (name: 'seconds' | 'rounds' | 'rest-seconds' | 'rest-hours', max: number) => {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  console.error(`--${name} must be 1 to ${max}, not ${flags[name]}`);
  return process.exit(1);
};
const seconds = number('seconds', 60);
const rounds = number('rounds', 20);
const restSeconds = number('rest-seconds', 86_400);
const restHours = number('rest-hours', 10_000);

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
const rounded = (value: number) => Number(value.toPrecision(3));

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as T));
    child.once('exit', (code) => reject(new Error(`a process of the benchmark ended with ${code}`)));
  });
}

async function run(load: Omit<LedgerLoad, 'folder'>, shim?: Shim): Promise<LedgerMeasured> {
  const folder = mkdtempSync(join(shim?.dataDir ?? tmpdir(), 'arkalia-bench-'));
  try {
    const env = { ...process.env, ...shim?.env({ shadow: false }) };
    return await message<LedgerMeasured>(
      fork(here('./ledger-load.js'), [JSON.stringify({ ...load, folder })], { env }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Against {
  callers: number;
  /** Events in a transaction at most; default: as many as lie ready. */
  batchMax?: number;
  /** Added to each sync. */
  syncMs?: number;
}

const subjects = ['ledger', 'raw', 'bare', 'asked'] as const;

/**
 * The ledger and better-sqlite3 in turn, with as many rows in a transaction as the ledger had: in a table with the two indexes that its
 * queries would need, and in a bare one. One caller who waits also waits for two threads to wake: for him the bare table is asked in a
 * thread of its own too, and it is measured with the 6 ms that an SD card takes for a sync.
 */
async function against({ callers, batchMax, syncMs }: Against): Promise<Record<string, unknown>> {
  const shim = syncMs === undefined ? undefined : new Shim();
  shim?.control.set({ delayUs: syncMs! * 1000 });
  const seen: Record<(typeof subjects)[number], LedgerMeasured>[] = [];
  for (let round = 0; round < rounds; round++) {
    const limit = batchMax === undefined ? {} : { batchMax };
    const ledger = await run({ subject: 'ledger', callers, seconds, ...limit }, shim);
    const batch = Math.max(1, Math.round(ledger.batch));
    const raw = await run({ subject: 'raw', callers: batch, seconds }, shim);
    const bare = await run({ subject: 'bare', callers: batch, seconds }, shim);
    const asked = callers === 1 ? await run({ subject: 'asked', callers, seconds }, shim) : bare;
    seen.push({ ledger, raw, bare, asked });
  }
  shim?.remove();
  const of = (pick: (pair: (typeof seen)[number]) => number) => rounded(median(seen.map(pick)));
  const ratioTo = (peer: 'raw' | 'bare' | 'asked') =>
    of((pair) => pair.ledger.eventsPerSecond / pair[peer].eventsPerSecond);
  return {
    callers,
    'batch at most': batchMax ?? '',
    'added to a sync, ms': syncMs ?? 0,
    'events/s': of(({ ledger }) => ledger.eventsPerSecond),
    'events a sync': of(({ ledger }) => ledger.batch),
    'raw rows/s': of(({ raw }) => raw.eventsPerSecond),
    'ledger / raw': ratioTo('raw'),
    'bare rows/s': of(({ bare }) => bare.eventsPerSecond),
    'ledger / bare': ratioTo('bare'),
    'ledger / bare in a thread': callers === 1 ? ratioTo('asked') : '',
    'p99 ms': of(({ ledger }) => ledger.p99Ms),
    'thread us/event': of(({ ledger }) => ledger.threadUs),
    'resident MiB': of(({ ledger }) => ledger.residentMiB),
  };
}

async function slowDisk(): Promise<Record<string, unknown>> {
  const shim = new Shim();
  try {
    shim.control.set({ delayUs: 20_000 });
    const runs: LedgerMeasured[] = [];
    for (let round = 0; round < rounds; round++) {
      runs.push(await run({ subject: 'ledger', callers: 256, seconds }, shim));
    }
    return {
      'sync ms': 20,
      callers: 256,
      'events/s': median(runs.map((one) => one.eventsPerSecond)),
      'events a sync': rounded(median(runs.map((one) => one.batch))),
      'p50 ms': rounded(median(runs.map((one) => one.p50Ms))),
      'p95 ms': rounded(median(runs.map((one) => one.p95Ms))),
    };
  } finally {
    shim.remove();
  }
}

/** Exports every event to nowhere, and looks at the memory that the process has on the way. */
async function exported(folder: string): Promise<Record<string, unknown>> {
  const command = here('../../runtime/cli/main.js');
  const beganMs = performance.now();
  const child = spawn(process.execPath, [command, 'export', '--data', folder], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const resident: number[] = [];
  const look = setInterval(() => {
    const kib = residentKib(child.pid!);
    if (kib !== null) resident.push(Math.round(kib / 1024));
  }, 100);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(look);
  if (code !== 0) throw new Error(`the export ended with ${code}`);
  const half = Math.floor(resident.length / 2);
  return {
    'export s': rounded((performance.now() - beganMs) / 1000),
    'MiB, first half': Math.max(...resident.slice(0, half)),
    'MiB, second half': Math.max(...resident.slice(half)),
  };
}

function residentKib(pid: number): number | null {
  try {
    return (
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) || null
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Fills a ledger with a million events and opens it again. */
async function restart(): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-bench-'));
  try {
    const events = 1_000_000;
    mkdirSync(folder, { recursive: true });
    await message(
      fork(here('./ledger-load.js'), [
        JSON.stringify({ folder, subject: 'fill', callers: 5000, seconds: 0, events } satisfies LedgerLoad),
      ]),
    );
    // The child ended like a killed one: its write-ahead log is there.
    const bytes = readdirSync(folder).reduce(
      (sum, name) => sum + readFileSync(join(folder, name)).byteLength,
      0,
    );
    const beganMs = performance.now();
    const { eventsPerSecond: size } = await message<LedgerMeasured>(
      fork(here('./ledger-load.js'), [
        JSON.stringify({ folder, subject: 'open', callers: 0, seconds: 0 } satisfies LedgerLoad),
      ]),
    );
    return {
      events: size,
      'MB on the disk': rounded(bytes * 1e-6),
      'restart ms, with the process': Math.round(performance.now() - beganMs),
      ...(await exported(folder)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function all(): Promise<Record<string, unknown>> {
  const figures: Record<string, unknown> = {};
  const sdCardSyncMs = 6;
  console.log(
    `Median of ${rounds} rounds of ${seconds} s, in turn. Every event is durable (fsync) before it is answered.`,
  );
  figures.throughput = [
    await against({ callers: 64, batchMax: 1 }),
    await against({ callers: 64 }),
    await against({ callers: 1 }),
    ...(hasShim
      ? [
          await against({ callers: 64, syncMs: sdCardSyncMs }),
          await against({ callers: 1, syncMs: sdCardSyncMs }),
        ]
      : []),
  ];
  console.table(figures.throughput);
  figures.restart = await restart();
  console.table([figures.restart]);
  figures.proofs = [1_000_000, 10_000_000].map(benchProofs);
  console.table(figures.proofs);
  if (hasShim) {
    figures.slow_disk = await slowDisk();
    console.table([figures.slow_disk]);
  }
  return figures;
}

async function rest(): Promise<Record<string, unknown>> {
  console.log('A device at rest: no clients, default settings, the start not counted.');
  const { figures: simulated, recorded } = await simulatedRest([1, 2, 3], restHours);
  console.table(simulated);
  console.log('What was recorded, events an hour:');
  console.table(recorded);
  if (!hasShim) return { simulated_rest: simulated, recorded_at_rest: recorded };
  console.log('A real one on the signals of this machine, time 25 times as fast:');
  const real = await realRest(restSeconds);
  console.table([real]);
  return { simulated_rest: simulated, recorded_at_rest: recorded, at_rest: real };
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
const figures = { ...(flags['only-rest'] ? {} : await all()), ...(await rest()) };
if (flags.json !== undefined) {
  writeFileSync(
    flags.json,
    `${JSON.stringify({ node: process.version, seconds, rounds, ...figures }, null, 2)}\n`,
  );
}
