import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/contracts/clock.js';
import { Database } from '../../runtime/contracts/sqlite.js';
import { openLedger, type SqliteLedger } from '../../runtime/ledger/ledger.js';
import type { LedgerChange } from '../../runtime/ledger/ledger-options.js';
import { TestAppliance } from '../support/appliance.js';
import { examine, toldOf } from './check.js';

let folder: string;
let file: string;
let changes: LedgerChange[];
let notices: string[];
const open: SqliteLedger[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-corrupt-'));
  file = join(folder, 'ledger.sqlite');
  changes = [];
  notices = [];
});
afterEach(async () => {
  for (const ledger of open.splice(0)) await ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<SqliteLedger> {
  const ledger = await openLedger({
    file,
    bootId: 'corrupt',
    clock: systemClock,
    queueMax: 10_000,
    batchMax: 100,
    setCorruptAside: true,
    onFailure: (error) => {
      throw error;
    },
    onChange: (change) => changes.push(change),
    onNotice: (notice) => notices.push(notice),
  });
  open.push(ledger);
  return ledger;
}

const event = (n: number) => ({ type: 'decision_made', module: 'zeroia', data: { n } }) as const;
async function fill(count: number): Promise<string> {
  const ledger = await start();
  await Promise.all(Array.from({ length: count }, (_, n) => ledger.append(event(n))));
  const note = await ledger.log.covering(count);
  await ledger.close();
  return note;
}
const aside = () => readdirSync(folder).filter((name) => name.startsWith('ledger.corrupt-'));

/** Overwrites a page of the table of events somewhere in the middle of the file. */
function scratch(at: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0xa5, at, at + 4096);
  writeFileSync(file, bytes);
}

describe('a damaged ledger is set aside whole and named, and a new log begins', () => {
  test.each([
    ['is not a database', () => writeFileSync(file, Buffer.alloc(100_000, 0x41)), false],
    ['lost its first page', () => scratch(0), false],
    [
      'has an event that was changed',
      () => {
        const db = new Database(file);
        db.exec(`UPDATE events SET leaf = x'7b7d' WHERE "index" = 599`);
        db.close();
      },
      true,
    ],
    [
      'lost its last events',
      () => {
        const db = new Database(file);
        db.exec('PRAGMA foreign_keys = OFF; DELETE FROM events WHERE "index" > 590');
        db.close();
      },
      true,
    ],
  ] as const)('when it %s', async (_, damage, isReadable) => {
    const note = await fill(600);
    damage();
    const before = readFileSync(file);
    const ledger = await start();
    const [name] = ledger.status().set_aside;
    expect(aside().filter((one) => one.endsWith('.sqlite'))).toEqual([name]);
    expect(readFileSync(join(folder, name!)).equals(before)).toBe(true);
    if (isReadable) expect(name).toMatch(/-at-\d+\.sqlite$/);
    expect(notices).toEqual([expect.stringContaining(`damaged; it is kept as ${name}, nothing was deleted`)]);
    const { index } = await ledger.append(event(1));
    expect(index).toBe(1);
    const [first] = await ledger.query({ limit: 1, order: 'asc' });
    expect(first).toMatchObject({
      index: 0,
      type: 'epoch_started',
      data: { reason: 'damaged', set_aside: name, previous_checkpoint: note },
    });
    // Another log, under another name.
    const origin = note.split('\n')[0]!;
    expect((await ledger.log.checkpoint()).split('\n')[0]).not.toBe(origin);
    await ledger.close();
    expect(await examine(folder, toldOf(new Map()))).toMatchObject({ size: 2, faults: [] });
  });

  test('while it runs: callers are refused for a moment, then the new log takes their events', async () => {
    const ledger = await start();
    await Promise.all(Array.from({ length: 600 }, (_, n) => ledger.append(event(n))));
    // Behind the writer's back: pages that its cache holds are looked up again when another connection changed the file.
    const db = new Database(file);
    db.unsafeMode();
    db.pragma('writable_schema = ON');
    db.exec(`UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'events'; PRAGMA schema_version = 99`);
    db.close();
    const told = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => ledger.append(event(n))));
    for (const one of told) expect(one).toMatchObject({ reason: { code: 'ledger_unavailable' } });
    while (ledger.status().state === 'unavailable') await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ledger.status()).toMatchObject({
      state: 'open',
      set_aside: [expect.stringMatching(/^ledger\.corrupt-/)],
    });
    expect((await ledger.append(event(0))).index).toBe(1);
    expect((await ledger.query({ limit: 10, order: 'asc' })).map(({ index }) => index)).toEqual([0, 1]);
    expect(changes.map(({ kind }) => kind)).toEqual(['unavailable', 'recovered']);
    expect(notices).toHaveLength(1);
  });

  test('a write-ahead log whose database is gone is never played into a new one', async () => {
    const ledger = await start();
    await ledger.append(event(0));
    copyFileSync(`${file}-wal`, join(folder, 'kept'));
    await ledger.close();
    rmSync(file);
    copyFileSync(join(folder, 'kept'), `${file}-wal`);
    const next = await start();
    expect(next.status().set_aside).toEqual([]);
    expect(aside()).toEqual([expect.stringMatching(/unread\.sqlite-wal$/)]);
    expect((await next.append(event(1))).index).toBe(1);
  });

  test('for somebody who does not serve it is refused and left where it is', async () => {
    await fill(10);
    scratch(0);
    await expect(examine(folder, toldOf(new Map()))).rejects.toMatchObject({ code: 'ledger_corrupt' });
    expect(aside()).toEqual([]);
  });
});

describe('a torn write-ahead log', () => {
  test('is read up to its last whole transaction, and the rest never was', async () => {
    const ledger = await start();
    const acknowledged: Map<number, string>[] = [];
    const files: number[] = [];
    for (let n = 0; n < 6; n++) {
      const receipt = await ledger.append(event(n));
      acknowledged.push(new Map([...(acknowledged.at(-1) ?? []), [receipt.index, receipt.leaf_hash]]));
      files.push(statSync(`${file}-wal`).size);
    }
    for (const [n, bytes] of files.entries()) {
      if (n === 0) continue;
      for (const torn of [bytes, bytes - 1, bytes - 4096, (files[n - 1]! + bytes) >> 1]) {
        const copy = mkdtempSync(join(folder, 'torn-'));
        for (const name of ['ledger.sqlite', 'ledger.sqlite-wal', 'log-key.json'])
          copyFileSync(join(folder, name), join(copy, name));
        truncateSync(join(copy, 'ledger.sqlite-wal'), torn);
        const whole = torn === bytes ? n : n - 1;
        expect(await examine(copy, toldOf(acknowledged[whole]!))).toMatchObject({
          size: whole + 1,
          lost: [],
          faults: [],
        });
        // The next one was in the part that is gone.
        rmSync(copy, { recursive: true });
      }
    }
  });
});

test('the appliance says so: in its banner, its log and its status', async () => {
  await fill(300);
  scratch(0);
  const appliance = await TestAppliance.start({ dataDir: folder });
  try {
    const { ledger } = (await appliance.json('/status')) as {
      ledger: { set_aside: string[]; state: string };
    };
    expect(ledger).toMatchObject({ state: 'open', set_aside: [expect.stringMatching(/^ledger\.corrupt-/)] });
    expect(appliance.output.text).toContain(`the ledger was damaged once: ${ledger.set_aside[0]}`);
    expect(appliance.output.text).toContain('nothing was deleted');
    expect((await appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'none' })).status).toBe(
      200,
    );
    expect(existsSync(join(folder, ledger.set_aside[0]!))).toBe(true);
  } finally {
    await appliance.close();
  }
});
