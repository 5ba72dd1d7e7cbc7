import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../http/cli.js';
import { TestAppliance } from '../support/appliance.js';

interface Event {
  index: number;
  type: string;
  stream: string;
  data: Record<string, unknown>;
}

const postedCount = 300;
let dataDir: string;
let events: Event[];
let online: Awaited<ReturnType<typeof cli>>;

const replay = (...flags: string[]) => cli(['replay', '--data', dataDir, ...flags], { cwd: dataDir });

/** What a count is in the report. */
function count(stdout: string, name: string): number {
  return Number(new RegExp(`^${name} +(\\d+)$`, 'm').exec(stdout)?.[1] ?? Number.NaN);
}

/** A real appliance that has made decisions of both kinds: posted, and its own with previous decisions; then killed. */
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-replay-'));
  const env = { ARKALIA_REFLEXIA_INTERVAL_MS: '200' };
  const appliance = await TestAppliance.start({ dataDir, env });
  const severities = ['none', 'normal', 'low', 'medium', 'high', 'critical'];
  const bodies = Array.from({ length: postedCount }, (_, i) => ({
    cpu: (i * 13.7) % 100,
    ram: (i * 7.3) % 100,
    severity: severities[i % 6],
    stream: `s${i % 7}`,
    ...(i % 2 === 0 ? { temperature_c: i % 100, latency_ms: i * 50 } : {}),
    ...(i % 3 === 0 ? { disk: i % 100, error_rate: i / postedCount, context: 'memory and heat' } : {}),
  }));
  await Promise.all(bodies.map((body) => appliance.post('/zeroia/decisions', body)));
  const decisions = async () =>
    (await appliance.json('/ledger/events?type=decision_made&limit=1000')).events as Event[];
  for (let tries = 0; tries < 100; tries++) {
    events = await decisions();
    if (events.filter(({ stream }) => stream === 'device').length >= 3) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  online = await replay();
  await appliance.end('SIGKILL');
}, 60_000);
afterAll(() => rm(dataDir, { recursive: true, force: true }));

describe('arkalia replay', () => {
  it('agrees to the bit with what a running server recorded', () => {
    expect(online.stderr).toBe('');
    expect(count(online.stdout, 'decisions')).toBeGreaterThanOrEqual(events.length);
    expect(count(online.stdout, 'agreed')).toBe(count(online.stdout, 'decisions'));
    expect(online.stdout).toContain('differ      0\nother core  0\n');
    expect(online.code).toBe(0);
  });

  it('agrees with the data folder when no server runs, also after a kill, for the part that is asked for', async () => {
    const all = await replay();
    expect([all.code, all.stderr]).toEqual([0, '']);
    expect(count(all.stdout, 'agreed')).toBeGreaterThanOrEqual(events.length);
    const some = await replay('--since', String(events[10]!.index), '--limit', '5');
    expect(count(some.stdout, 'decisions')).toBe(5);
    expect(count((await replay('--since', '999999999')).stdout, 'decisions')).toBe(0);
  });

  it('the events tell everything: the own ones their previous decision too', () => {
    const own = events.filter(({ stream }) => stream === 'device');
    expect(own.at(-1)?.data.input).toHaveProperty('previous_age_ms');
    const posted = events.find(({ stream }) => stream !== 'device');
    expect(own.at(-1)?.data.weights_version).not.toBe(posted?.data.weights_version);
    expect(posted?.data.input).not.toHaveProperty('previous_age_ms');
    for (const { data } of events) expect(data.parameters).toHaveLength(30);
  });

  it('finds a decision that was changed, and fails', async () => {
    const file = join(dataDir, 'events.jsonl');
    const changed = structuredClone(events);
    changed[4]!.data.confidence = Math.fround(changed[4]!.data.confidence as number);
    changed[9]!.data.decision = 'never';
    await writeFile(file, changed.map((event) => JSON.stringify(event)).join('\n'));
    const { code, stdout } = await replay('--file', file);
    expect(code).toBe(1);
    expect(count(stdout, 'differ')).toBe(2);
    expect(count(stdout, 'agreed')).toBe(events.length - 2);
    expect(stdout).toContain(`first: event ${changed[4]!.index}, confidence\n`);
  });

  it('never counts a decision of a core that is not there as agreed', async () => {
    const file = join(dataDir, 'foreign.jsonl');
    const foreign = structuredClone(events.slice(0, 8));
    for (const { data } of foreign.slice(0, 3)) data.core_sha256 = 'ab'.repeat(32);
    await writeFile(file, foreign.map((event) => JSON.stringify(event)).join('\n'));
    const { code, stdout } = await replay('--file', file);
    expect(code).toBe(0);
    expect(stdout).toBe(
      'decisions   8\nagreed      5\ndiffer      0\nother core  3\n  3 by abababababababab: its module is not in the data folder, or damaged\n',
    );
  });

  it('keeps the module that made the decisions in the data folder', async () => {
    expect(await readdir(join(dataDir, 'cores'))).toEqual([`${events[0]!.data.core_sha256}.wasm`]);
  });

  it('says what is wrong with a file, a folder or a number', async () => {
    const none = await replay('--file', 'no-such-file');
    expect([none.code, none.stderr]).toEqual([2, 'There is no file no-such-file.\n']);
    const empty = await cli(['replay', '--data', join(dataDir, 'empty')], { cwd: dataDir });
    expect(empty.code).toBe(1);
    expect(empty.stderr).toContain('There is no ledger in');
    expect(await readdir(dataDir)).not.toContain('empty');
    for (const flags of [
      ['--since', '-1'],
      ['--limit', '0'],
      ['--since', '1.5'],
    ]) {
      expect((await replay(...flags)).code).toBe(2);
    }
    const broken = join(dataDir, 'broken.jsonl');
    await writeFile(broken, '{');
    expect(await replay('--file', broken)).toMatchObject({ code: 1, stdout: '' });
  });
});
