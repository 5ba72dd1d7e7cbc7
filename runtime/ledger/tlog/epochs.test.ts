import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../contracts/clock.js';
import { Database } from '../../contracts/sqlite.js';
import { openForReading } from '../database.js';
import { openLedger, type SqliteLedger } from '../ledger.js';
import { parseCheckpoint } from './checkpoint.js';
import { writeShownCheckpoint } from './last-checkpoint.js';
import { openNote } from './note.js';
import { parseVerifierKey } from './note-key.js';
import { verifyLog } from './verify-log.js';

let folder: string;
let file: string;
let notices: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-epochs-'));
  file = join(folder, 'ledger.sqlite');
  notices = [];
});

afterEach(() => rmSync(folder, { recursive: true }));

const open = () =>
  openLedger({
    file,
    bootId: 'boot-1',
    clock: systemClock,
    queueMax: 10_000,
    batchMax: 100,
    onNotice: (notice) => notices.push(notice),
    onFailure: (error) => {
      throw error;
    },
  });

async function add(ledger: SqliteLedger, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await ledger.append({ type: 'decision_made', module: 'kernel', data: { n } });
  }
}

/** Opens, appends, closes; the verifier key. */
async function run(count: number): Promise<string> {
  const ledger = await open();
  await add(ledger, count);
  await ledger.close();
  return ledger.log.verifierKey;
}

const originOf = (key: string) => parseVerifierKey(key).name;
const lastNote = () =>
  (JSON.parse(readFileSync(join(folder, 'log-last.json'), 'utf8')) as { note: string }).note;

async function firstEvent(ledger: SqliteLedger) {
  const [event] = await ledger.query({ limit: 1, order: 'asc' });
  return event!;
}

function verified(name: string, key: string) {
  const db = openForReading(join(folder, name));
  try {
    return verifyLog(db, parseVerifierKey(key));
  } finally {
    db.close();
  }
}

describe('the epochs of a log', () => {
  it('keeps the last checkpoint beside the database, at the latest when it is closed, and goes on in its epoch', async () => {
    const key = await run(5);
    const checkpoint = parseCheckpoint(openNote(lastNote(), [parseVerifierKey(key)]).text);
    expect(checkpoint.size).toBe(5);
    expect(await run(3)).toBe(key);
    expect(parseCheckpoint(openNote(lastNote(), [parseVerifierKey(key)]).text).size).toBe(8);
    expect(notices).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('ledger.epoch'))).toEqual([]);
  });

  it('does not begin with an event about itself where there was no log before', async () => {
    const ledger = await open();
    await add(ledger, 1);
    expect(await firstEvent(ledger)).toMatchObject({ index: 0, type: 'decision_made' });
    expect(ledger.log.previous).toBeUndefined();
    await ledger.close();
  });

  it('begins a new one, loudly, where an older copy was put back; the copy is kept and still holds', async () => {
    const key = await run(5);
    copyFileSync(file, join(folder, 'copy'));
    await run(4);
    const known = lastNote();
    copyFileSync(join(folder, 'copy'), file);

    const ledger = await open();
    const { verifierKey, previous } = ledger.log;
    expect(originOf(verifierKey)).toBe(originOf(key).replace(/1$/, '2'));
    expect(previous).toBe(known);
    expect(notices).toEqual([expect.stringMatching(/older_copy.*ledger\.epoch-1\.sqlite.*new epoch/)]);
    const first = await firstEvent(ledger);
    expect(first).toMatchObject({
      index: 0,
      type: 'epoch_started',
      boot_id: 'boot-1',
      data: {
        reason: 'older_copy',
        previous_checkpoint: known,
        previous_origin: originOf(key),
        previous_size: 9,
        previous_verifier_key: key,
        set_aside: 'ledger.epoch-1.sqlite',
      },
    });
    await add(ledger, 3);
    expect(ledger.status().size).toBe(4);
    await ledger.close();
    expect(verified('ledger.sqlite', verifierKey)).toMatchObject({ size: 4, vouched: 4, faults: [] });
    expect(verified('ledger.epoch-1.sqlite', key)).toMatchObject({ size: 5, vouched: 5, faults: [] });
    expect(await run(1)).toBe(verifierKey);
  });

  it('notices a copy that grew on after it was taken: other events under a checkpoint that is known', async () => {
    await run(5);
    copyFileSync(file, join(folder, 'copy'));
    const last = readFileSync(join(folder, 'log-last.json'));
    await run(4);
    const known = readFileSync(join(folder, 'log-last.json'));
    // The same appliance again, from the copy, without knowing of the four.
    copyFileSync(join(folder, 'copy'), file);
    writeFileSync(join(folder, 'log-last.json'), last);
    await run(6);
    writeFileSync(join(folder, 'log-last.json'), known);
    const ledger = await open();
    expect((await firstEvent(ledger)).data).toMatchObject({ reason: 'other_history', previous_size: 9 });
    await ledger.close();
  });

  it('begins a new one for a copy that is older than what a witness was shown, though nothing else knows of it', async () => {
    const key = await run(5);
    copyFileSync(file, join(folder, 'copy'));
    const last = readFileSync(join(folder, 'log-last.json'));
    await run(4);
    const shown = lastNote();
    await writeShownCheckpoint(folder, { verifierKey: key, note: shown });
    copyFileSync(join(folder, 'copy'), file);
    // As after a crash within the minute in which log-last.json is behind.
    writeFileSync(join(folder, 'log-last.json'), last);
    const ledger = await open();
    expect((await firstEvent(ledger)).data).toMatchObject({
      ...{ reason: 'older_copy', previous_size: 9, previous_checkpoint: shown },
    });
    await ledger.close();
    // That of an epoch that has ended says nothing about the next.
    expect(await run(1)).toBe(ledger.log.verifierKey);
  });

  it('begins a new one where the file is gone, or is of an epoch that has ended', async () => {
    const key = await run(5);
    copyFileSync(file, join(folder, 'copy'));
    rmSync(file);
    const second = await open();
    expect(originOf(second.log.verifierKey)).toBe(originOf(key).replace(/1$/, '2'));
    expect((await firstEvent(second)).data).toMatchObject({ reason: 'new_file', previous_size: 5 });
    await second.close();
    copyFileSync(join(folder, 'copy'), file);
    const third = await open();
    expect(originOf(third.log.verifierKey)).toBe(originOf(key).replace(/1$/, '3'));
    expect((await firstEvent(third)).data).toMatchObject({
      reason: 'older_epoch',
      previous_origin: originOf(second.log.verifierKey),
      set_aside: 'ledger.epoch-1.sqlite',
    });
    await third.close();
    copyFileSync(join(folder, 'copy'), file);
    await run(1);
    expect(existsSync(join(folder, 'ledger.epoch-1-2.sqlite'))).toBe(true);
  });

  it('takes damage for damage: events that are missing below a checkpoint of the file itself', async () => {
    await run(20);
    const db = new Database(file);
    db.exec('DELETE FROM events WHERE "index" >= 15');
    db.close();
    await expect(open()).rejects.toMatchObject({ code: 'ledger_corrupt' });
    expect(existsSync(join(folder, 'ledger.epoch-1.sqlite'))).toBe(false);
  });

  it.each(['', '{}', '{"version":1,"verifier_key":"x","note":"y"}', '[1]', 'null'])(
    'refuses to go on when the last checkpoint reads %j',
    async (content) => {
      await run(3);
      writeFileSync(join(folder, 'log-last.json'), content);
      await expect(open()).rejects.toMatchObject({
        code: 'ledger_unusable',
        message: expect.stringContaining('log-last.json'),
      });
    },
  );
});
