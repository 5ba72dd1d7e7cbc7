import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seal, unseal } from '../backup/sealed.js';
import { systemClock } from '../contracts/clock.js';
import { Database } from '../contracts/sqlite.js';
import { openLedger, type SqliteLedger } from '../ledger/ledger.js';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-backup-'));
  file = join(folder, 'backup.arkalia');
});

afterEach(() => rmSync(folder, { recursive: true }));

const inData = (data: string, ...names: string[]) => join(folder, data, ...names);

async function run(data: string, argv: string[], env: Record<string, string> = {}) {
  const io = new FakeIo(env);
  const code = await runCli([...argv, '--data', inData(data)], io);
  return Object.assign(io, { code });
}

const open = (data: string) =>
  openLedger({
    file: inData(data, 'ledger.sqlite'),
    bootId: 'test',
    clock: systemClock,
    queueMax: 10_000,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });

const add = (ledger: SqliteLedger, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      ledger.append({
        type: 'decision_made',
        module: 'kernel',
        data: { n },
        texts: { context: `typed ${n}` },
      }),
    ),
  );

async function withLedger<T>(data: string, use: (ledger: SqliteLedger) => Promise<T>): Promise<T> {
  const ledger = await open(data);
  try {
    return await use(ledger);
  } finally {
    await ledger.close();
  }
}

const first = (data: string) =>
  withLedger(data, async (ledger) => (await ledger.query({ limit: 1, order: 'asc' }))[0]!);
const verifier = async (data: string) => (await run(data, ['keys', 'show-verifier'])).stdout.trim();
const secret = { BACKUP_PASSPHRASE: 'correct horse battery' };

describe('backup and restore', () => {
  it('copies a ledger that is being written, as it is at one moment, and the copy verifies', async () => {
    await run('a', ['keys', 'create', '--name', 'x']);
    const ledger = await open('a');
    await add(ledger, 3000);
    let going = true;
    const writing = (async () => {
      while (going) await add(ledger, 50);
    })();
    const made = await run('a', ['backup', file]);
    going = false;
    await writing;
    await ledger.close();
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^Backed up events 0 to \d+\.\n$/)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['a', 'backup.arkalia']);
    const verified = await run('a', ['verify', '--ledger', file, '--verifier', await verifier('a')]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('Everything holds')]);
    expect(readFileSync(file).includes('ark_')).toBe(false);
  });

  it.each([
    ['', ''],
    [
      ', with a backup that an older program made',
      `CREATE INDEX events_by_type ON events (type); CREATE INDEX events_by_stream ON events (stream);
       PRAGMA user_version = 5`,
    ],
  ])('goes on where nothing was signed after the backup, with the texts%s', async (_, sql) => {
    await run('a', ['keys', 'create', '--name', 'x']);
    await withLedger('a', (ledger) => add(ledger, 40));
    await run('a', ['backup', file]);
    const backup = new Database(file);
    backup.exec(sql);
    backup.close();
    const key = await verifier('a');
    rmSync(inData('a', 'ledger.sqlite'));
    const restored = await run('a', ['restore', file]);
    expect([restored.code, restored.stdout]).toEqual([0, expect.stringContaining('goes on')]);
    expect(await verifier('a')).toBe(key);
    await withLedger('a', async (ledger) => {
      expect(ledger.status().size).toBe(41);
      await add(ledger, 5);
    });
    expect((await run('a', ['verify', '--verifier', key])).code).toBe(0);
    const db = new Database(inData('a', 'ledger.sqlite'));
    expect(db.prepare('SELECT count(*) FROM texts').pluck().get()).toBe(2 + 45);
    expect(db.prepare(`SELECT name FROM sqlite_schema WHERE name = 'backup'`).all()).toEqual([]);
    db.close();
  });

  it('begins a new epoch where more was signed after it, and keeps both', async () => {
    await run('a', ['keys', 'create', '--name', 'x']);
    await run('a', ['backup', file]);
    await withLedger('a', (ledger) => add(ledger, 40));
    const key = await verifier('a');
    const restored = await run('a', ['restore', file]);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    expect(restored.stdout).toContain('a new epoch of the log began');
    expect(await first('a')).toMatchObject({
      type: 'epoch_started',
      data: { reason: 'restored', previous_size: 41, previous_verifier_key: key },
    });
    expect(await verifier('a')).not.toBe(key);
    for (const name of ['ledger.epoch-1.sqlite', 'ledger.epoch-1-2.sqlite']) {
      const verified = await run('a', ['verify', '--ledger', inData('a', name), '--verifier', key]);
      expect([name, verified.code]).toEqual([name, 0]);
    }
  });

  it('brings the keys to another device under the passphrase, and never signs under a name that was used', async () => {
    const made = await run('a', ['keys', 'create', '--name', 'x']);
    await run('a', ['backup', '--keys', file], secret);
    const bytes = readFileSync(file);
    const { seed } = JSON.parse(readFileSync(inData('a', 'log-key.json'), 'utf8')) as { seed: string };
    expect(bytes.includes(seed)).toBe(false);
    expect(bytes.includes('log-key.json')).toBe(false);
    const key = await verifier('a');

    const wrong = await run('b', ['restore', '--keys', file], { BACKUP_PASSPHRASE: 'wrong horse' });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('passphrase')]);
    expect(existsSync(inData('b', 'ledger.sqlite'))).toBe(false);
    const passphraseFile = join(folder, 'passphrase');
    writeFileSync(passphraseFile, `${secret.BACKUP_PASSPHRASE}\n`);
    const restored = await run('b', ['restore', '--keys', '--passphrase-file', passphraseFile, file]);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    const now = await verifier('b');
    const [device, epoch] = now.split('+')[0]!.split('/');
    expect(key.startsWith(`${device}/1+`)).toBe(true);
    expect(Number(epoch)).toBeGreaterThan(2);
    // The public key is the same.
    expect(now.split('+')[2]).toBe(key.split('+')[2]);
    expect(await first('b')).toMatchObject({ data: { reason: 'restored', previous_verifier_key: key } });
    expect((await run('b', ['keys', 'list'])).stdout).toContain(made.stdout.split('_')[1]);
  });

  it('without the keys makes another device, whose log holds the last checkpoint of the backup', async () => {
    await run('a', ['keys', 'create', '--name', 'x']);
    await run('a', ['backup', file]);
    expect((await run('b', ['restore', '--keys', file], secret)).stderr).toContain('without the keys');
    expect((await run('b', ['restore', file])).code).toBe(0);
    expect((await verifier('b')).split('/')[0]).not.toBe((await verifier('a')).split('/')[0]);
    expect(await first('b')).toMatchObject({
      data: { reason: 'restored', previous_verifier_key: await verifier('a') },
    });
  });

  it.each([
    ['of a newer schema', 'PRAGMA user_version = 99', 'schema version 99'],
    ['that was changed', 'UPDATE events SET leaf = zeroblob(5) WHERE "index" = 0', 'event 0'],
    ['that is no backup', 'DROP TABLE backup', 'not one that "arkalia backup" made'],
  ])('refuses a file %s, and leaves the folder as it is', async (_, sql, told) => {
    await run('a', ['keys', 'create', '--name', 'x']);
    await run('a', ['backup', file]);
    const db = new Database(file);
    db.exec(sql);
    db.close();
    const before = readFileSync(inData('a', 'ledger.sqlite'));
    const { code, stderr } = await run('a', ['restore', file]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(told)]);
    expect(readFileSync(inData('a', 'ledger.sqlite')).equals(before)).toBe(true);
    expect(readdirSync(inData('a')).filter((name) => name.includes('epoch'))).toEqual([]);
  });

  it('replaces an earlier backup, and no other file: not a text, a folder, another database, nor a ledger', async () => {
    await run('a', ['keys', 'create', '--name', 'x']);
    await withLedger('a', (ledger) => add(ledger, 3));
    const other = new Database(join(folder, 'other.sqlite'));
    other.exec('CREATE TABLE backup (version INTEGER)');
    other.close();
    writeFileSync(join(folder, 'diary.txt'), 'Dear diary');
    const kept = ['diary.txt', 'other.sqlite', 'a/ledger.sqlite', 'a/log-key.json'].map((name) =>
      join(folder, name),
    );
    const before = kept.map((name) => readFileSync(name));
    for (const name of kept) {
      const { code, stderr } = await run('a', ['backup', name]);
      expect([name, code, stderr]).toEqual([name, 2, expect.stringContaining('is there and no backup')]);
    }
    expect(kept.map((name) => readFileSync(name))).toEqual(before);
    expect((await run('a', ['backup', folder])).stderr).toContain('is a folder. Name a file in it.');
    await withLedger('a', async (ledger) => {
      expect((await run('a', ['backup', inData('a', 'ledger.sqlite')])).code).toBe(2);
      await add(ledger, 1);
    });
    // The key is an event too.
    for (const count of [5, 6]) {
      expect((await run('a', ['backup', file])).stdout).toContain(`events 0 to ${count - 1}.`);
      await withLedger('a', (ledger) => add(ledger, 1));
    }
    expect((await run('a', ['verify', '--ledger', file])).stdout).toContain('Checked 6 events');
    // One that was put in the ledger's place by hand is the ledger.
    copyFileSync(file, inData('a', 'ledger.sqlite'));
    expect((await run('a', ['backup', inData('a', 'ledger.sqlite')])).code).toBe(2);
    expect((await run('a', ['backup', file])).stdout).toContain('events 0 to');
  });

  it('does not overwrite what another program holds, nor take a short passphrase or none', async () => {
    await run('a', ['keys', 'create', '--name', 'x']);
    expect((await run('a', ['backup', '--keys', file], { BACKUP_PASSPHRASE: 'short' })).code).toBe(2);
    expect((await run('a', ['backup', '--keys', file])).code).toBe(2);
    expect((await run('none', ['backup', file])).code).toBe(1);
    expect((await run('a', ['restore', join(folder, 'missing')])).code).toBe(2);
    expect(existsSync(file)).toBe(false);
    copyFileSync(inData('a', 'ledger.sqlite'), file);
    expect((await run('a', ['restore', file])).code).toBe(1);
  });
});

describe('sealing', () => {
  it('gives back what was sealed, and nothing when a byte or the passphrase differs', async () => {
    const sealed = await seal(Buffer.from('secret'), 'a passphrase');
    expect((await unseal(sealed, 'a passphrase'))?.toString()).toBe('secret');
    expect(await unseal(sealed, 'another one')).toBeUndefined();
    for (const at of [0, 8, 24, 36, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect([at, await unseal(changed, 'a passphrase')]).toEqual([at, undefined]);
    }
    expect(await unseal(sealed.subarray(0, 30), 'a passphrase')).toBeUndefined();
    expect((await seal(Buffer.from('secret'), 'a passphrase')).equals(sealed)).toBe(false);
  });
});
