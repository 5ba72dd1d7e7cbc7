import { cpus } from 'node:os';
import { Piscina } from 'piscina';
import { Core, type ScoreInput } from '../../core-wasm/index.js';
import { checkScore } from '../../runtime/core/check-score.js';
import { CorePool } from '../../runtime/core/pool.js';
import { CoreScorer } from '../../runtime/core/scorer.js';
import { type Figure, inTurn, median, nsEach, paired, report } from './core-section.js';

// Decisions scored: in a batch, with what the HTTP thread does around it, and through the pool.
const batch = 256;
const rounds = 41;
const repeats = 100;
const roundTrips = 10;
// Short rounds and many of them: on a machine with other work most are then left alone.
const pooledRounds = 301;
const largeBatch = 1024;
const workers = 4;
const core = Core.create();
const { slab } = core;
const onError = (error: unknown) => {
  throw error;
};
const full: ScoreInput = {
  cpu: 85,
  ram: 70,
  severity: 'high',
  temperatureC: 61,
  disk: 40,
  errorRate: 0.1,
  latencyMs: 250,
  contextRelevance: 0.5,
  historyPressure: 0.4,
};
const posted: ScoreInput = { cpu: 85, ram: 70, severity: 'high' };

function scoreOnly(input: ScoreInput): number {
  for (let i = 0; i < batch; i++) slab.write(i, input);
  const each = nsEach(repeats * batch, () => {
    for (let n = 0; n < repeats; n++) slab.score(0, batch);
  });
  return each;
}

/** Every figure of a score, as the one who answers reads it. */
function readAll(index: number): number {
  const record = checkScore(slab.at(index));
  let sum = record.confidence + record.pressure + record.reasons.length + record.decision.length;
  for (let factor = 0; factor < 6; factor++) {
    sum += record.score(factor) + record.weight(factor) + record.share(factor);
  }
  return sum;
}

const modes = ['never', 'auto', 'always'] as const;
const scorers = new Map<(typeof modes)[number], CoreScorer>();
for (const offload of modes) {
  const own = offload === 'never' ? {} : { pool: new CorePool(core, { threads: 1, onError }) };
  scorers.set(offload, await CoreScorer.start({ core, ...own, offload, onPoolFailure: onError }));
}
const pool = new CorePool(core, { threads: 1, onError });
const bare = new Piscina<number, number>({
  filename: new URL('./core-empty-task.js', import.meta.url).href,
  minThreads: 1,
  maxThreads: 1,
  idleTimeout: Number.POSITIVE_INFINITY,
  recordTiming: false,
});

async function usEach(count: number, run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let i = 0; i < count; i++) await run();
  return ((performance.now() - began) * 1000) / count;
}

/** What this thread is busy for each decision of batches that come one after the other; not what it waits for the pool. */
async function busyNsEach(offload: (typeof modes)[number], decisions: number): Promise<number> {
  const scorer = scorers.get(offload);
  if (scorer === undefined) throw new Error(`there is no scorer for ${offload}`);
  const before = performance.eventLoopUtilization();
  const turns = (repeats * batch) / decisions;
  for (let n = 0; n < turns; n++) {
    await Promise.all(
      Array.from({ length: decisions }, () => scorer.score(posted, (record) => record.confidence)),
    );
  }
  return (performance.eventLoopUtilization(before).active * 1e6) / (turns * decisions);
}

const seen = await inTurn(rounds, {
  full: () => scoreOnly(full),
  posted: () => scoreOnly(posted),
  around: () =>
    nsEach(repeats * batch, () => {
      let sum = 0;
      for (let n = 0; n < repeats; n++) {
        for (let i = 0; i < batch; i++) slab.write(i, posted);
        slab.score(0, batch);
        for (let i = 0; i < batch; i++) sum += readAll(i);
      }
      if (!(sum > 0)) throw new Error('nothing was read');
    }),
  never: () => busyNsEach('never', batch),
  auto: () => busyNsEach('auto', batch),
  always: () => busyNsEach('always', batch),
  alwaysSmall: () => busyNsEach('always', 16),
});
const pooled = await inTurn(pooledRounds, {
  batch: () => usEach(roundTrips, () => pool.score(0, batch)),
  bare: () => usEach(roundTrips, () => bare.run(batch)),
});
await Promise.all([...[...scorers.values()].map((scorer) => scorer.close()), pool.close(), bare.destroy()]);

/** Million decisions a second, each worker with one batch at a time, on its own part of the slab: no more fits. */
async function throughput(threads: number): Promise<number> {
  const busy = new CorePool(core, { threads, onError });
  await Promise.all(Array.from({ length: 8 * threads }, () => busy.ready()));
  let scored = 0;
  const began = performance.now();
  const until = began + 500;
  await Promise.all(
    Array.from({ length: threads }, async (_, part) => {
      while (performance.now() < until) {
        await busy.score(part * largeBatch, largeBatch);
        scored += largeBatch;
      }
    }),
  );
  const rate = scored / 1000 / (performance.now() - began);
  await busy.close();
  return rate;
}
for (let i = 0; i < slab.records; i++) slab.write(i, full);
const spread = await inTurn(5, {
  here: () =>
    1000 /
    nsEach(repeats * 4 * batch, () => {
      for (let n = 0; n < repeats; n++) slab.score(0, 4 * batch);
    }),
  four: () => throughput(workers),
});
const cores = Math.min(workers, cpus().length);

const ns = (what: string, key: keyof typeof seen, aim?: number): Figure => ({
  what,
  value: median(seen[key]),
  unit: 'ns',
  ...(aim === undefined ? {} : { aim }),
});
report({
  title: 'Scoring',
  notes: [
    `In the HTTP thread, for each decision of a batch of ${batch}: the input checked and written, the batch scored, the result checked, and every figure of it read.`,
    'Through CoreScorer: the same, with a promise for each decision and one setImmediate a batch; what the HTTP thread is busy, not what it waits for the pool. JSON is counted in neither.',
    `Pool: one batch of ${batch} at a time, one thread, against a Piscina task that does nothing.`,
  ],
  figures: [
    ns(`one decision in a batch of ${batch}, all factors`, 'full', 50),
    ns(`one decision in a batch of ${batch}, three factors`, 'posted', 50),
    ns('HTTP thread, for each decision: write, score, check, read', 'around', 300),
    ns('the same through CoreScorer, core.offload = "never"', 'never'),
    ns('… "auto"', 'auto'),
    ns('… "always"', 'always'),
    ns('… "always", batches of 16', 'alwaysSmall'),
    {
      what: 'crossover of "auto" here',
      value: scorers.get('auto')?.crossoverRecords ?? Number.NaN,
      unit: 'decisions',
    },
    { what: 'one batch through the pool', value: median(pooled.batch), unit: 'µs' },
    { what: 'a bare Piscina round trip', value: median(pooled.bare), unit: 'µs' },
    {
      what: 'batch through the pool ÷ bare round trip',
      value: paired(pooled.batch, pooled.bare, (a, b) => a / b),
      unit: '×',
      aim: 1.5,
    },
    { what: 'in this thread, batches of 1024', value: median(spread.here), unit: 'million/s' },
    { what: `${workers} workers, batches of 1024`, value: median(spread.four), unit: 'million/s' },
    {
      what: `${workers} workers, for each of ${cores} cores`,
      value: median(spread.four) / cores,
      unit: 'million/s',
    },
  ],
  faults: [],
});
