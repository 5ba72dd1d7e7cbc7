import { spawn } from 'node:child_process';
import { createReadStream, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { TestAppliance } from '../support/appliance.js';
import { collectorSeconds, cpuSeconds, residentMiB, shown } from './server-figures.js';

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '12000' },
    minutes: { type: 'string', default: '5' },
    connections: { type: 'string', default: '100' },
    limit: { type: 'string', default: '500000000' },
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    `npm run bench:hold -- [--rate 12000] [--minutes 5] [--connections 100] [--limit 500000000] [--full] [--json FILE]
Holds a rate of durable decisions against a real server, with h2load. Fails when a request failed, the rate was not held (99 %), or the
ledger was larger than its limit (--limit, bytes). With --full the ledger is at that limit, and prunes, before the first decision counts.
Needs room for the ledger in the temporary folder, and 40 MB for each million decisions.`,
  );
  process.exit(0);
}

function within(name: 'rate' | 'minutes' | 'connections' | 'limit', min: number, max: number): number {
  const value = Number(flags[name]);
  if (value >= min && value <= max) return value;
  console.error(`--${name} must be ${min} to ${max}, not ${flags[name]}`);
  process.exit(1);
}
const rate = within('rate', 1, 200_000);
const seconds = Math.round(within('minutes', 0.1, 120) * 60);
const connections = Math.round(within('connections', 1, 1000));
const limitBytes = Math.round(within('limit', 50_000_000, 1_000_000_000_000));
const p99AimMs = 15;

/** Runs h2load and gives what it printed. */
function h2load(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.on('data', (piece: Buffer) => {
      printed += piece.toString();
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`h2load ended with ${code}: ${printed}`)),
    );
  });
}

try {
  await h2load(['--version']);
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  console.error(
    'This benchmark needs h2load: apt-get install nghttp2-client (Debian, Ubuntu, Raspberry Pi OS) or brew install nghttp2 (macOS).',
  );
  process.exit(2);
}

const number = (text: string, pattern: RegExp): number => {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`h2load did not say ${pattern}: ${text}`);
  return Number(found);
};

/** Times of all requests, from a log with the start, the status and the microseconds of each. */
async function latencies(log: string) {
  const histogram = createHistogram();
  for await (const line of createInterface({ input: createReadStream(log) })) {
    histogram.record(Math.max(1, Number(line.slice(line.lastIndexOf('\t') + 1))));
  }
  const ms = (percentile: number) => histogram.percentile(percentile) / 1000;
  return { p50Ms: ms(50), p99Ms: ms(99), p999Ms: ms(99.9), maxMs: histogram.max / 1000 };
}

const folder = await mkdtemp(join(tmpdir(), 'arkalia-hold-'));
const body = join(folder, 'decision.json');
const log = join(folder, 'requests.tsv');
// The limit per client is raised, because here one client stands for all; the check itself runs.
const appliance = await TestAppliance.start({
  env: {
    ARKALIA_LIMITS_REQUESTS_PER_SECOND: '1000000',
    ARKALIA_LIMITS_REQUESTS_BURST: '1000000',
    ARKALIA_LEDGER_SIZE_LIMIT_BYTES: String(limitBytes),
  },
});
/** Events that the ledger has pruned so far, and its bytes on the disk. */
async function ledger(): Promise<{ minimumIndex: number; bytes: number }> {
  const answer = await fetch(`${appliance.url}/ledger/log`, { headers: { connection: 'close' } });
  const { minimum_index: minimumIndex, bytes } = (await answer.json()) as Record<string, number>;
  if (minimumIndex === undefined || bytes === undefined) throw new Error('/ledger/log told no size');
  return { minimumIndex, bytes };
}
try {
  await writeFile(body, JSON.stringify({ cpu: 85, ram: 70, severity: 'high' }));
  const pid = appliance.process.pid!;
  /** h2load's rate is that of each connection. */
  const load = (forSeconds: number, more: string[]) =>
    h2load([
      ...['--h1', '-t', '1', '-c', String(connections), '--rps', String(rate / connections)],
      ...['-D', String(forSeconds), '-d', body, '-H', 'content-type: application/json', ...more],
      `${appliance.url}/zeroia/decisions`,
    ]);
  await load(3, []);
  if (flags.full) {
    console.log(`Filling the ledger up to ${limitBytes / 1e6} MB.`);
    while ((await ledger()).minimumIndex === 0) await load(3, []);
  }
  const ledgerBefore = await ledger();
  const before = {
    residentMiB: residentMiB(pid),
    cpu: cpuSeconds(pid),
    collected: await collectorSeconds(appliance.url),
  };
  console.log(
    `Holding ${rate.toLocaleString('en')} decisions a second for ${seconds} s, ${connections} connections.`,
  );
  let largestBytes = 0;
  const watching = setInterval(() => {
    ledger().then(
      ({ bytes }) => {
        largestBytes = Math.max(largestBytes, bytes);
      },
      (error: unknown) => console.error(error),
    );
  }, 1000);
  const said = await load(seconds, ['--log-file', log]);
  clearInterval(watching);
  const cpu = cpuSeconds(pid);
  const ledgerAfter = await ledger();
  const collected = await collectorSeconds(appliance.url);
  const done = number(said, /, (\d+) done,/);
  const figures = {
    node: process.version,
    rate,
    seconds,
    connections,
    done,
    failed: number(said, /, (\d+) failed,/),
    perSecond: Math.round(done / seconds),
    ...(await latencies(log)),
    cpuSecondsPer1000:
      cpu === null || before.cpu === null
        ? null
        : Number((((cpu - before.cpu) * 1000) / done).toPrecision(3)),
    collectorShare: Number(((collected - before.collected) / seconds).toPrecision(3)),
    residentStartMiB: before.residentMiB,
    residentEndMiB: residentMiB(pid),
    ledgerLimitBytes: limitBytes,
    ledgerStartBytes: ledgerBefore.bytes,
    ledgerLargestBytes: Math.max(largestBytes, ledgerAfter.bytes),
    pruned: ledgerAfter.minimumIndex - ledgerBefore.minimumIndex,
  };
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
  console.table({
    'requests done': figures.done,
    failed: figures.failed,
    'a second': figures.perSecond,
    'p50 ms': figures.p50Ms,
    [`p99 ms (aim: ${p99AimMs})`]: figures.p99Ms,
    'p99.9 ms': figures.p999Ms,
    'longest ms': figures.maxMs,
    'CPU seconds of the server per 1,000 decisions': figures.cpuSecondsPer1000 ?? 'not readable',
    "garbage collector's share of the HTTP thread": `${(figures.collectorShare * 100).toFixed(1)} %`,
    'resident memory at the start': shown(figures.residentStartMiB, 'MiB'),
    'resident memory at the end': shown(figures.residentEndMiB, 'MiB'),
    'ledger at the start, MB': Math.round(figures.ledgerStartBytes / 1e6),
    [`largest ledger, MB (limit: ${limitBytes / 1e6})`]: Math.round(figures.ledgerLargestBytes / 1e6),
    'oldest events pruned meanwhile': figures.pruned,
  });
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
  if (figures.failed > 0 || done === 0) {
    console.error(`${figures.failed} of ${done} requests failed.`);
    process.exitCode = 1;
  }
  if (done < rate * seconds * 0.99) {
    console.error(`The rate was not held: ${figures.perSecond} a second instead of ${rate}.`);
    process.exitCode = 1;
  }
  if (figures.ledgerLargestBytes > limitBytes) {
    console.error(`The ledger had ${figures.ledgerLargestBytes} bytes, and its limit is ${limitBytes}.`);
    process.exitCode = 1;
  }
} finally {
  await appliance.close();
  await rm(folder, { recursive: true, force: true });
}
