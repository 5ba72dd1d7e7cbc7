import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TestAppliance } from '../support/appliance.js';
import type { Load, Measured } from './load-client.js';
import { collectorSeconds, cpuSeconds, residentMiB, shown } from './server-figures.js';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(
    'npm run bench -- [--seconds 5] [--rounds 3] [--json FILE]\nDurable decisions a second against bare Hono routes, in turn, in one run.',
  );
  process.exit(0);
}
const seconds = Number(flags.seconds);
const rounds = Number(flags.rounds);
if (!(seconds >= 1 && seconds <= 60 && Number.isInteger(rounds) && rounds >= 1 && rounds <= 20)) {
  console.error(`--seconds must be 1 to 60 and --rounds 1 to 20, not ${flags.seconds} and ${flags.rounds}`);
  process.exit(1);
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const decision = JSON.stringify({ cpu: 85, ram: 70, severity: 'high' });

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as T));
    child.once('exit', (code) => reject(new Error(`a process of the benchmark ended with ${code}`)));
  });
}

function load(options: Omit<Load, 'seconds'>, forSeconds = seconds): Promise<Measured> {
  return message<Measured>(
    fork(here('./load-client.js'), [JSON.stringify({ ...options, seconds: forSeconds })]),
  );
}

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** To three digits; null when any is. */
const medianOf = (numbers: (number | null)[]) =>
  numbers.includes(null) ? null : Number(median(numbers as number[]).toPrecision(3));

/** A run with what it cost its server: processor time a request, and what the garbage collector took of the HTTP thread's. */
interface Run extends Measured {
  cpuMsEach: number | null;
  collectorShare: number | null;
}

const echo = fork(here('./echo-server.js'));
const floor = await message<string>(echo);
const plain = fork(here('./plain-server.js'));
const plainUrl = await message<string>(plain);
const figures: Record<string, unknown>[] = [];
let restMiB: number | null = null;
let loadedMiB: number | null = null;

/** One of its own for each number of connections: a store at its limit, which also prunes, is measured by bench:hold. */
async function measure(connections: number): Promise<void> {
  // The limit per client is raised, because here one client stands for all; the check itself runs.
  const appliance = await TestAppliance.start({
    env: { ARKALIA_LIMITS_REQUESTS_PER_SECOND: '1000000', ARKALIA_LIMITS_REQUESTS_BURST: '1000000' },
  });
  try {
    await measureOn(appliance, connections);
  } finally {
    await appliance.close();
  }
}

async function measureOn(appliance: TestAppliance, connections: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2000));
  restMiB ??= residentMiB(appliance.process.pid!);
  const answer = await (await appliance.post('/zeroia/decisions', decision)).text();
  for (const url of [floor, plainUrl]) await fetch(`${url}/answer`, { method: 'POST', body: answer });
  const targets = {
    echo: `${floor}/echo`,
    'same bytes': `${floor}/same-bytes`,
    'plain, durable': `${plainUrl}/decisions`,
    decisions: `${appliance.url}/zeroia/decisions`,
  };
  for (const url of Object.values(targets)) await load({ url, body: decision, connections: 32 }, 2);

  /** Only the appliance has metrics, and so a share of the collector. */
  async function run(name: string, url: string): Promise<Run> {
    const server = { decisions: appliance.process, 'plain, durable': plain }[name] ?? echo;
    const pid = server.pid!;
    const collected = async () => (name === 'decisions' ? await collectorSeconds(appliance.url) : null);
    const collectedBefore = await collected();
    const cpuBefore = cpuSeconds(pid);
    const measured = await load({ url, body: decision, connections });
    const cpuAfter = cpuSeconds(pid);
    const collectedAfter = await collected();
    const requests = measured.requestsPerSecond * seconds;
    return {
      ...measured,
      cpuMsEach: cpuBefore === null || cpuAfter === null ? null : ((cpuAfter - cpuBefore) * 1000) / requests,
      collectorShare:
        collectedBefore === null || collectedAfter === null
          ? null
          : (collectedAfter - collectedBefore) / seconds,
    };
  }

  const seen: Record<string, Run[]> = Object.fromEntries(Object.keys(targets).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, url] of Object.entries(targets)) seen[name]!.push(await run(name, url));
  }
  const ratioTo = (name: string) =>
    median(
      seen.decisions!.map((run, round) => run.requestsPerSecond / seen[name]![round]!.requestsPerSecond),
    );
  for (const [name, runs] of Object.entries(seen)) {
    figures.push({
      connections,
      route: name,
      'requests/s': median(runs.map((run) => run.requestsPerSecond)),
      'p50 ms': Number(median(runs.map((run) => run.p50Ms)).toFixed(2)),
      'p99 ms': Number(median(runs.map((run) => run.p99Ms)).toFixed(2)),
      failed: runs.reduce((sum, run) => sum + run.failed, 0),
      'CPU s / 1,000': medianOf(runs.map((run) => run.cpuMsEach)) ?? 'not readable',
      'GC %': medianOf(runs.map((run) => run.collectorShare && run.collectorShare * 100)) ?? '',
      'decisions / this': name === 'decisions' ? 1 : Number(ratioTo(name).toFixed(2)),
    });
  }
  loadedMiB = residentMiB(appliance.process.pid!);
}

try {
  for (const connections of [32, 128]) await measure(connections);
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
  console.log(
    `Median of ${rounds} rounds of ${seconds} s, routes in turn. Every decision is durable (fsync) before it is answered.`,
  );
  console.table(figures);
  console.log(
    'Plain, durable: a Hono route with one writer thread and group commit into the same table, without checks, limits, scoring, hashes and tree.',
  );
  console.log(
    `CPU: seconds of processor time, user and system, of the whole server for 1,000 requests. GC: the collector's share of the HTTP thread.`,
  );
  console.log(
    `Resident memory of the server: ${shown(restMiB, 'MiB')} at rest, ${shown(loadedMiB, 'MiB')} after the load.`,
  );
  if (flags.json !== undefined) {
    writeFileSync(
      flags.json,
      `${JSON.stringify({ node: process.version, seconds, rounds, figures, restMiB, loadedMiB }, null, 2)}\n`,
    );
  }
  if (figures.some((row) => row.failed !== 0)) {
    console.error('Some requests failed, so these figures do not count.');
    process.exitCode = 1;
  }
} finally {
  echo.disconnect();
  plain.disconnect();
}
