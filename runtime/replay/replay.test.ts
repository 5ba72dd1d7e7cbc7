import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Core, coreModule } from '../../core-wasm/index.js';
import { recordedMany } from '../../test/replay/decisions.js';
import { CorePool } from '../core/pool.js';
import { replayBatch } from './batch.js';
import type { RecordedDecision } from './compare.js';
import { keepCore, readCore } from './cores.js';
import { replayDecisions } from './replay.js';
import { pagesOfFile, pagesOfLedger } from './sources.js';

const installed = coreModule();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-replay-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function* pagesOf(...pages: RecordedDecision[][]): AsyncGenerator<RecordedDecision[]> {
  yield* pages;
}

async function collect<T>(pages: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

const here = { replay: async (batch: Parameters<typeof replayBatch>[0]) => replayBatch(batch) };

/** A module that is another file with the same code: a custom section at its end. */
function another(): { bytes: Uint8Array; sha256: string } {
  const bytes = Uint8Array.from([...installed.bytes, 0, 5, 4, 110, 111, 116, 101]);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

describe('kept cores', () => {
  it('are written once, for their owner alone, and written anew when damaged', async () => {
    await keepCore(folder, installed);
    const file = join(folder, 'cores', `${installed.sha256}.wasm`);
    expect(await readdir(join(folder, 'cores'))).toEqual([`${installed.sha256}.wasm`]);
    await chmod(file, 0o400);
    await keepCore(folder, installed);
    await chmod(file, 0o600);
    await writeFile(file, installed.bytes.subarray(1));
    expect(readCore(folder, installed.sha256)).toBeUndefined();
    await keepCore(folder, installed);
    expect(Buffer.compare(await readFile(file), installed.bytes)).toBe(0);
    expect(readCore(folder, installed.sha256)).toBeDefined();
  });

  it('are found by a hash only, never by a path', async () => {
    await mkdir(join(folder, 'cores'));
    await writeFile(join(folder, 'secret.wasm'), 'x');
    for (const name of ['../secret', '', 'A'.repeat(64), `${'0'.repeat(63)}/`]) {
      expect(readCore(folder, name)).toBeUndefined();
    }
  });
});

describe('replay', () => {
  const options = { onPoolFailure: () => {}, onProgress: () => {}, pool: here };

  it('replays in the threads of a pool, and tells how far it is', async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const pool = new CorePool(Core.create(), { threads: 2, onError });
    const progress: number[] = [];
    try {
      const report = await replayDecisions({
        pages: pagesOf(recordedMany(1500), recordedMany(700, 1500)),
        dataDir: folder,
        pool,
        onPoolFailure: onError,
        onProgress: (decisions) => progress.push(decisions),
      });
      expect(report).toEqual({ agreed: 2200, differ: 0, otherCores: new Map() });
    } finally {
      await pool.close();
    }
    expect(progress.at(-1)).toBe(2200);
    expect(errors).toEqual([]);
  });

  it('loses no decision with a thread that dies', async () => {
    const script = new URL('../core/testing/dying-worker.js', import.meta.url);
    const pool = new CorePool(Core.create(), { threads: 1, onError: () => {}, script });
    const failures: unknown[] = [];
    try {
      const report = await replayDecisions({
        ...options,
        pages: pagesOf(recordedMany(600)),
        dataDir: folder,
        pool,
        onPoolFailure: (error) => failures.push(error),
      });
      expect(report).toMatchObject({ agreed: 600, differ: 0 });
      expect(failures).toHaveLength(4);
    } finally {
      await pool.close();
    }
  });

  it('asks the core that made a decision, and counts one that is missing as neither agreed nor different', async () => {
    const decisions = recordedMany(30);
    const other = another();
    for (const { data } of decisions.slice(0, 10)) data.core_sha256 = other.sha256;
    for (const { data } of decisions.slice(10, 15)) data.core_sha256 = '../../../etc/passwd';
    decisions[5]!.data.decision = 'never';
    const replay = () => replayDecisions({ ...options, pages: pagesOf(decisions), dataDir: folder });
    const missing = await replay();
    expect(missing).toMatchObject({ agreed: 15, differ: 0 });
    expect([...missing.otherCores].map(([sha256, { decisions }]) => [sha256, decisions])).toEqual([
      [other.sha256, 10],
      ['../../../etc/passwd', 5],
    ]);
    await keepCore(folder, other);
    const found = await replay();
    expect(found).toMatchObject({ agreed: 24, differ: 1, first: { index: 5, field: 'decision' } });
    expect([...found.otherCores.keys()]).toEqual(['../../../etc/passwd']);
  });

  it('says of a module that it cannot drive', async () => {
    const bytes = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await keepCore(folder, { bytes, sha256 });
    const decisions = recordedMany(2);
    for (const { data } of decisions) data.core_sha256 = sha256;
    const report = await replayDecisions({ ...options, pages: pagesOf(decisions), dataDir: folder });
    expect(report).toMatchObject({ agreed: 0, differ: 0 });
    expect(report.otherCores.get(sha256)).toEqual({
      decisions: 2,
      why: 'this version cannot drive it: the module imports no memory',
    });
  });

  it('passes on what the source throws', async () => {
    async function* broken(): AsyncGenerator<RecordedDecision[]> {
      yield recordedMany(10);
      throw new Error('gone');
    }
    await expect(replayDecisions({ ...options, pages: broken(), dataDir: folder })).rejects.toThrow('gone');
  });
});

describe('sources', () => {
  const event = ({ index, data }: RecordedDecision) => ({ index, type: 'decision_made', data });

  it.each([
    [0, Number.MAX_SAFE_INTEGER, 1200],
    [1100, Number.MAX_SAFE_INTEGER, 100],
    [0, 500, 500],
    [10, 501, 501],
    [1200, 5, 0],
  ])('a ledger is asked page by page: since %d, limit %d gives %d', async (since, limit, count) => {
    const all = recordedMany(1200).map(event);
    const ask = async (from: number, wanted: number) =>
      all.filter(({ index }) => index >= from).slice(0, wanted);
    const got = await collect(pagesOfLedger(ask, { since, limit }));
    expect(got.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, i) => since + i));
  });

  it('a file gives the decisions of its lines; a leaf without an index has its line', async () => {
    const file = join(folder, 'events.jsonl');
    const [first, second, third] = recordedMany(3, 40);
    const lines = [
      JSON.stringify(event(first!)),
      '',
      JSON.stringify({ index: 41, type: 'system_started', data: {} }),
      JSON.stringify({ type: 'decision_made', data: second!.data }),
      `${JSON.stringify(event(third!))}\r`,
    ];
    await writeFile(file, lines.join('\n'));
    const indexes = async (since: number, limit: number) =>
      (await collect(pagesOfFile(file, { since, limit }))).map(({ index }) => index);
    expect(await indexes(0, 100)).toEqual([40, 3, 42]);
    expect(await indexes(4, 100)).toEqual([40, 42]);
    expect(await indexes(0, 2)).toEqual([40, 3]);
  });

  it('a line that is no event is named', async () => {
    const file = join(folder, 'events.jsonl');
    await writeFile(file, '{}\n{"type":');
    const read = () => collect(pagesOfFile(file, { since: 0, limit: 10 }));
    await expect(read()).rejects.toThrow('line 2 of the file is not JSON');
    await writeFile(file, `"${'x'.repeat(1_048_576)}"`);
    await expect(read()).rejects.toThrow('line 1 of the file is longer');
  });
});
