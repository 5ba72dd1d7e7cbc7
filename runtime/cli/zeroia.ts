import { z } from 'zod';
import { printable } from '../contracts/text.js';
import { control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

export type ZeroiaMode = 'quick' | 'stress' | 'monitor' | 'daemon';

const cycleShape = z.object({
  number: z.number(),
  cpu: z.number().nullable(),
  ram: z.number().nullable(),
  temperature_c: z.number().nullable(),
  decision: z.string().nullable(),
  confidence: z.number().nullable(),
  acted: z.string().nullable(),
  contradiction: z.string().nullable(),
  level: z.string(),
  took_ms: z.number(),
  failure: z.string().nullable(),
});
type Cycle = z.infer<typeof cycleShape>;
const statusShape = z.object({ cycles: z.object({ last: z.array(cycleShape) }) });
const adviceShape = z.object({ decision: z.string(), confidence: z.number(), recorded: z.string() });

export interface ZeroiaOptions {
  /** Between two looks at the server; the interval of the samples unless given. */
  lookMs?: number;
}

/** Intervals of the samples without a cycle after which the loop is called silent. */
const silentIntervals = 4;
const stressLoops = 50;
const blocks: Record<'quick' | 'monitor' | 'daemon', { blocks: number; cycles: number }> = {
  quick: { blocks: 1, cycles: 5 },
  monitor: { blocks: 3, cycles: 3 },
  daemon: { blocks: Number.POSITIVE_INFINITY, cycles: 12 },
};

/**
 * Watches the reason loop of the running server (`quick`: 5 turns, `monitor`: 3 times 3, `daemon`: until Ctrl-C) or puts 50 loads
 * before it as advice (`stress`), which changes nothing on the device. Fails when a turn failed, none came, or a rule was broken.
 */
export async function zeroia(
  mode: ZeroiaMode,
  flags: ConfigFlags,
  io: CliIo,
  options: ZeroiaOptions = {},
): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  if (mode === 'stress') return stress(config.data_dir, io);
  return watch(
    blocks[mode],
    { dataDir: config.data_dir, intervalMs: config.reflexia.interval_ms },
    io,
    options,
  );
}

async function watch(
  plan: { blocks: number; cycles: number },
  { dataDir, intervalMs }: { dataDir: string; intervalMs: number },
  io: CliIo,
  { lookMs = Math.min(intervalMs, 500) }: ZeroiaOptions,
): Promise<number> {
  const stopping = new AbortController();
  const release = io.onSignal(() => stopping.abort());
  const tallies: Tally[] = [];
  try {
    const source = follow(dataDir, {
      lookMs,
      silentMs: silentIntervals * intervalMs,
      signal: stopping.signal,
    });
    for (let block = 1; block <= plan.blocks && !stopping.signal.aborted; block++) {
      io.out(`${header}\n`);
      const tally = new Tally();
      tallies.push(tally);
      for (let turn = 1; turn <= plan.cycles; turn++) {
        io.err(`waiting for turn ${turn} of ${plan.cycles}\n`);
        const next = await source.next();
        if (next.done === true) break;
        tally.add(next.value);
        io.out(`${printable(row(next.value))}\n`);
      }
      io.out(
        `${tally.line(Number.isFinite(plan.blocks) ? `block ${block} of ${plan.blocks}` : `block ${block}`)}\n`,
      );
      if (!Number.isFinite(plan.blocks)) tallies.splice(0, tallies.length, Tally.sum(tallies));
    }
  } finally {
    release();
  }
  const all = Tally.sum(tallies);
  io.out(`${all.line('all')}\n`);
  return all.failed === 0 ? exitCodes.ok : exitCodes.failed;
}

/** The turns of the loop from now on, each once. */
async function* follow(
  dataDir: string,
  { lookMs, silentMs, signal }: { lookMs: number; silentMs: number; signal: AbortSignal },
): AsyncGenerator<Cycle, void> {
  let seen: number | undefined;
  let waitedMs = 0;
  while (!signal.aborted) {
    const { cycles } = statusShape.parse(await ask(dataDir));
    const newest = cycles.last.at(-1)?.number ?? 0;
    // A server that was started again counts from 1.
    if (seen === undefined || newest < seen) seen = newest;
    for (const cycle of cycles.last) {
      if (cycle.number <= seen) continue;
      seen = cycle.number;
      waitedMs = 0;
      yield cycle;
    }
    if (waitedMs > silentMs) throw new CliFailure(`The reason loop has been silent for ${waitedMs} ms.`);
    await pause(lookMs, signal);
    waitedMs += lookMs;
  }
}

/** Ends early when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

async function ask(dataDir: string, body?: object): Promise<unknown> {
  const reply = await control(
    dataDir,
    body === undefined
      ? { method: 'GET', path: '/zeroia/status' }
      : { method: 'POST', path: '/zeroia/decisions', body },
  );
  if (reply.server === 'running') return reply.value;
  throw new CliFailure('No server runs on this data folder, so nothing reasons. Start it with: npm start');
}

const columns = [7, 6, 6, 6, 19, 11, 10, 9] as const;
const cells = (values: string[]) =>
  values
    .map((value, i) => value.padEnd(columns[i] ?? 0))
    .join(' ')
    .trimEnd();
const header = cells(['turn', 'cpu', 'ram', '°C', 'decision', 'confidence', 'level', 'ms', 'remarks']);
const figure = (value: number | null, digits = 1) => (value === null ? '-' : value.toFixed(digits));

function row(cycle: Cycle): string {
  const { number, cpu, ram, temperature_c, decision, confidence, level, took_ms } = cycle;
  const remarks = [
    cycle.acted !== null && cycle.acted !== decision ? `acted on ${cycle.acted}` : undefined,
    cycle.contradiction ?? undefined,
    cycle.failure === null ? undefined : `FAILED: ${cycle.failure}`,
  ];
  return cells([
    `${number}`,
    figure(cpu),
    figure(ram),
    figure(temperature_c),
    decision ?? '-',
    figure(confidence, 3),
    level,
    took_ms.toFixed(1),
    remarks.filter((remark) => remark !== undefined).join('; '),
  ]);
}

/** What some turns came to. */
class Tally {
  turns = 0;
  failed = 0;
  contradictions = 0;
  #confidence = 0;
  #tookMs = 0;

  add({ failure, contradiction, confidence, took_ms }: Cycle): void {
    this.turns += 1;
    if (failure !== null) this.failed += 1;
    if (contradiction !== null) this.contradictions += 1;
    this.#confidence += confidence ?? 0;
    this.#tookMs += took_ms;
  }

  static sum(tallies: readonly Tally[]): Tally {
    const all = new Tally();
    for (const one of tallies) {
      all.turns += one.turns;
      all.failed += one.failed;
      all.contradictions += one.contradictions;
      all.#confidence += one.#confidence;
      all.#tookMs += one.#tookMs;
    }
    return all;
  }

  line(name: string): string {
    const decided = Math.max(1, this.turns - this.failed);
    const means = `mean confidence ${(this.#confidence / decided).toFixed(3)}, ${(this.#tookMs / Math.max(1, this.turns)).toFixed(1)} ms a turn`;
    return `${name}: ${this.turns} turns, ${this.failed} failed, ${this.contradictions} contradictions, ${means}`;
  }
}

/** 50 loads from rest to critical, each decided and durable. The answers must obey the published rules and never become milder. */
async function stress(dataDir: string, io: CliIo): Promise<number> {
  const order = ['normal', 'monitor', 'reduce_load', 'emergency_shutdown'];
  const stream = `stress-${process.pid}`;
  let broken = 0;
  let worst = 0;
  const startedMs = performance.now();
  io.out('loop    cpu    severity  decision            confidence\n');
  for (let loop = 0; loop < stressLoops; loop++) {
    const severity = loop === stressLoops - 1 ? 'critical' : 'normal';
    const cpu = Math.round((100 * loop) / (stressLoops - 1));
    const { decision, confidence, recorded } = adviceShape.parse(
      await ask(dataDir, { cpu, ram: Math.round(cpu / 2), severity, stream }),
    );
    const least = severity === 'critical' ? 3 : cpu > 80 ? 2 : cpu > 60 ? 1 : 0;
    const rank = order.indexOf(decision);
    const wrong = rank < least || rank < worst || recorded !== 'durable';
    worst = Math.max(worst, rank);
    if (wrong) broken += 1;
    const line = `${`${loop + 1}`.padEnd(7)} ${`${cpu}`.padEnd(6)} ${severity.padEnd(9)} ${decision.padEnd(19)} ${confidence.toFixed(3)}${wrong ? '  BROKEN RULE' : ''}`;
    io.out(`${printable(line)}\n`);
    if ((loop + 1) % 10 === 0) io.err(`${loop + 1} of ${stressLoops}\n`);
  }
  const tookMs = performance.now() - startedMs;
  io.out(
    `${stressLoops} loops, ${broken} broke a rule, ${(tookMs / stressLoops).toFixed(1)} ms a loop; advice only, nothing changed on the device\n`,
  );
  return broken === 0 ? exitCodes.ok : exitCodes.failed;
}
