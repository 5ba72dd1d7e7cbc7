import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import type { StoredEvent } from '../contracts/ledger.js';
import { csvCell } from '../ledger/export/lines.js';
import { tilePath } from '../ledger/export/proof.js';
import { leafHash } from '../ledger/leaf.js';
import { openLedger } from '../ledger/ledger.js';
import { SlowTree } from '../ledger/merkle/testing/slow-tree.js';
import { parseCheckpoint } from '../ledger/tlog/checkpoint.js';
import { openNote } from '../ledger/tlog/note.js';
import { createSigner, parseVerifierKey } from '../ledger/tlog/note-key.js';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';

const events = 700;
let folder: string;
let data: string;
let recorded: StoredEvent[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-export-'));
  data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const ledger = await openLedger({
    file: join(data, 'ledger.sqlite'),
    bootId: 'test',
    clock: systemClock,
    queueMax: 1000,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });
  await Promise.all(
    Array.from({ length: events }, (_, n) =>
      n % 100 === 7
        ? ledger.append({
            type: 'key_created',
            module: 'kernel',
            data: { id: `=cmd|' /C calc'!A${n}`, role: 'user' },
            texts: { name: 'the blue heron' },
          })
        : ledger.append({
            type: 'decision_made',
            module: 'zeroia',
            stream: `-1+${n % 3}`,
            data: { n, who: 'Á "q"\n' },
          }),
    ),
  );
  recorded = await ledger.query({ limit: 1000, order: 'asc' });
  await ledger.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...argv: string[]): Promise<FakeIo & { code: number }> {
  const io = new FakeIo();
  const code = await runCli(['export', '--data', data, ...argv], io);
  expect(io.listening).toBe(0);
  return Object.assign(io, { code });
}

interface Line {
  index: number;
  leaf: Buffer;
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { index } = JSON.parse(line) as { index: number };
      const head = `{"index":${index},"leaf":`;
      expect(line.startsWith(head)).toBe(true);
      return { index, leaf: Buffer.from(line.slice(head.length, -1)) };
    });
}

/** Takes CSV apart as RFC 4180 says. */
function cellsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('arkalia export', () => {
  it('prints each leaf byte for byte, with its index', async () => {
    const { code, stdout } = await run();
    const lines = linesOf(stdout);
    expect(code).toBe(0);
    expect(lines.map(({ index, leaf }) => [index, leafHash(leaf)])).toEqual(
      recorded.map(({ index, leaf_hash }) => [index, leaf_hash]),
    );
    expect(stdout).not.toContain('heron');
  });

  it('selects as a query does', async () => {
    const indexes = async (...argv: string[]) =>
      linesOf((await run(...argv)).stdout).map(({ index }) => index);
    const keys = Array.from({ length: 7 }, (_, i) => 7 + 100 * i);
    expect(await indexes('--type', 'key_created')).toEqual(keys);
    expect(await indexes('--text', 'CALC', '--since', '200', '--until', '500')).toEqual([207, 307, 407]);
    expect(await indexes('--module', 'zeroia', '--stream', '-1+2', '--until', '5')).toEqual([2, 5]);
    expect(await indexes('--to', '2020-01-01T00:00:00Z')).toEqual([]);
    expect(await indexes('--correlation-id', 'nobody')).toEqual([]);
    for (const wrong of [
      ['--since', '-1'],
      ['--from', 'yesterday'],
      ['--text', '!'],
      ['--format', 'xml'],
    ]) {
      expect((await run(...wrong)).code).toBe(2);
    }
  });

  it('writes a table in which no cell is a formula', async () => {
    const { stdout } = await run('--format', 'csv');
    const [head, ...rows] = cellsOf(stdout);
    expect(rows.length).toBe(events);
    const column = (name: string) => rows.map((row) => row[head!.indexOf(name)]);
    expect(column('leaf_hash')).toEqual(recorded.map(({ leaf_hash }) => leaf_hash));
    expect(column('data').map((text) => JSON.parse(text!) as unknown)).toEqual(
      recorded.map((event) => event.data),
    );
    expect(column('stream').slice(0, 3)).toEqual(["'-1+0", "'-1+1", "'-1+2"]);
    expect(new Date(column('time')[0]!).getTime()).toBe(recorded[0]!.time_ms);
    for (const row of rows) for (const cell of row) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
  });

  it('writes a folder that proves every event with what is in it', async () => {
    const out = join(folder, 'all');
    const { code, stdout, stderr } = await run('--out', out);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain(`Exported ${events} events`);
    expect(statSync(out).mode & 0o077).toBe(0);
    const lines = linesOf(readFileSync(join(out, 'events.jsonl'), 'utf8'));
    const key = parseVerifierKey(readFileSync(join(out, 'verifier-key'), 'utf8').trim());
    const checkpoint = parseCheckpoint(openNote(readFileSync(join(out, 'checkpoint'), 'utf8'), [key]).text);
    expect(checkpoint.size).toBe(events);
    expect(new SlowTree(lines.map(({ leaf }) => leaf)).hash(0, events).toString('hex')).toBe(
      Buffer.from(checkpoint.root).toString('hex'),
    );
    const hashes = lines.map(({ leaf }) => leafHash(leaf));
    expect(readFileSync(join(out, 'tiles/0/000')).toString('hex')).toBe(hashes.slice(0, 256).join(''));
    expect(readFileSync(join(out, 'tiles/0/002.p/188')).toString('hex')).toBe(hashes.slice(512).join(''));
    expect(statSync(join(out, 'tiles/1/000.p/2')).size).toBe(64);
    expect((await run('--out', out)).stderr).toContain('is not empty');
  });

  describe('arkalia verify --export', () => {
    const check = async (out: string, ...flags: string[]) => {
      const io = new FakeIo();
      const code = await runCli(['verify', '--export', out, ...flags], io);
      return Object.assign(io, { code });
    };
    const exported = async (name: string, ...flags: string[]) => {
      const out = join(folder, name);
      expect((await run('--out', out, ...flags)).code).toBe(0);
      return out;
    };

    it('needs nothing but the folder, whole or a part', async () => {
      const key = readFileSync(join(await exported('whole'), 'verifier-key'), 'utf8').trim();
      expect(await check(join(folder, 'whole'), '--verifier', key)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          new RegExp(`^Checked ${events} events and 2 full tiles of the first ${events} events`),
        ),
        stderr: '',
      });
      const part = await check(await exported('part', '--since', '300', '--until', '301'));
      expect(part).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Checked 2 events and 1 full tiles/),
      });
      expect(part.stderr).toContain('names itself');
      const other = createSigner('another/1', Buffer.alloc(32, 1)).verifierKey;
      expect((await check(join(folder, 'whole'), '--verifier', other)).code).toBe(1);
    });

    it.each<[string, number, (out: string) => void]>([
      [
        'a byte of an entry',
        77,
        (out) =>
          change(join(out, 'events.jsonl'), (text) =>
            text.replace('{"index":77,"leaf":{"boot_id":"', '{"index":77,"leaf":{"boot_id":"x'),
          ),
      ],
      [
        'the index of an entry',
        301,
        (out) => change(join(out, 'events.jsonl'), (text) => text.replace('{"index":300,', '{"index":301,')),
      ],
      [
        'the order of entries',
        11,
        (out) =>
          change(join(out, 'events.jsonl'), (text) =>
            text.split('\n').toSpliced(3, 0, text.split('\n')[10]!).join('\n'),
          ),
      ],
      [
        'an entry behind the checkpoint',
        9999,
        (out) => change(join(out, 'events.jsonl'), (text) => `${text}{"index":9999,"leaf":{}}\n`),
      ],
      [
        'a line without an end',
        700,
        (out) => change(join(out, 'events.jsonl'), (text) => text + 'x'.repeat(200_000)),
      ],
      ['a byte of a tile', 256, (out) => flip(join(out, 'tiles/0/001'))],
      ['a byte of the last tile', 0, (out) => flip(join(out, 'tiles/0/002.p/188'))],
      ['a byte of an upper tile', 0, (out) => flip(join(out, 'tiles/1/000.p/2'))],
      ['a tile less', 0, (out) => rmSync(join(out, 'tiles/1/000.p/2'))],
      ['a tile of exported events less', 0, (out) => rmSync(join(out, 'tiles/0/000'))],
    ])('names the first index after a change of %s', async (name, index, damage) => {
      const out = await exported(`damaged ${name}`);
      damage(out);
      const { code, stderr } = await check(out);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`The first event that does not hold is ${index}.`),
      ]);
    });

    it('says what is missing, and asks one question at a time', async () => {
      const out = await exported('table', '--format', 'csv');
      expect(await check(out)).toMatchObject({ code: 1, stderr: expect.stringContaining('no events.jsonl') });
      expect((await check(join(folder, 'nowhere'))).code).toBe(1);
      expect((await check(out, '--receipt', 'x')).code).toBe(2);
      const forged = await exported('forged');
      change(join(forged, 'checkpoint'), (text) => text.replace(`\n${events}\n`, `\n${events - 1}\n`));
      expect((await check(forged)).code).toBe(1);
    });
  });

  it('writes of the lowest tiles only those that hold what was exported, and the last', async () => {
    const out = join(folder, 'few');
    await run('--out', out, '--since', '300', '--until', '301', '--format', 'csv');
    expect(readdirSync(join(out, 'tiles/0')).sort()).toEqual(['001', '002.p']);
    expect(existsSync(join(out, 'tiles/1/000.p/2'))).toBe(true);
    expect(cellsOf(readFileSync(join(out, 'events.csv'), 'utf8')).length).toBe(3);
  });

  it('says so where there is no ledger', async () => {
    const io = new FakeIo();
    expect(await runCli(['export', '--data', join(folder, 'nowhere')], io)).toBe(1);
    expect(io.stderr).toContain('There is no ledger in');
  });
});

it('a cell comes back as it was, or with an apostrophe in front', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (cells) => {
      const [row] = cellsOf(`${cells.map(csvCell).join(',')}\r\n`);
      expect(row!.map((cell, i) => (cell === cells[i] ? cell : cell.slice(1)))).toEqual(cells);
      for (const [i, cell] of row!.entries()) {
        if (cell !== cells[i]) expect(cell.startsWith("'")).toBe(true);
        expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
      }
    }),
  );
});

it('tiles have the paths of tlog-tiles', () => {
  const path = (number: number, width = 256) => tilePath({ level: 1, number, width });
  // The example of the specification.
  expect(path(1_234_067)).toBe('1/x001/x234/067');
  expect([path(0), path(999), path(1000), path(5, 17)]).toEqual([
    '1/000',
    '1/999',
    '1/x001/000',
    '1/005.p/17',
  ]);
});

function change(file: string, edit: (text: string) => string): void {
  const before = readFileSync(file, 'utf8');
  const after = edit(before);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[40]! ^= 1;
  writeFileSync(file, bytes);
}
