import { describe, expect, it } from 'vitest';
import { Database } from '../../contracts/sqlite.js';
import { parseCheckpoint } from './checkpoint.js';
import { LogWriter } from './log-writer.js';
import { openNote } from './note.js';
import { createSigner, parseVerifierKey } from './note-key.js';
import { TileTree } from './tile-tree.js';

const signer = createSigner('device/1', Buffer.alloc(32, 3));

/** A log whose clock stands still until it is moved. */
function begin() {
  const db = new Database(':memory:');
  db.exec(
    'CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, note TEXT NOT NULL)',
  );
  const time = { ms: 5000 };
  const tree = new TileTree(() => {});
  const clock = { wallMs: () => 1_700_000_000_000.5, monotonicMs: () => time.ms };
  const log = new LogWriter({ db, signer, tree, checkpoint: undefined, clock });
  const add = (events: number) => log.append(Buffer.alloc(32 * events, events));
  return { db, log, tree, time, add };
}

describe('when a checkpoint is due', () => {
  it('never, while nothing was added', () => {
    const { log, time, add } = begin();
    expect(log.dueInMs()).toBeUndefined();
    add(8);
    log.sign();
    time.ms += 10_000_000;
    expect(log.dueInMs()).toBeUndefined();
    expect(log.isCovered()).toBe(true);
  });

  it('a second after the last one, while events arrive', () => {
    const { log, time, add } = begin();
    add(8);
    expect(log.dueInMs()).toBe(0);
    log.sign();
    add(100);
    expect(log.dueInMs()).toBe(1000);
    time.ms += 999;
    expect(log.dueInMs()).toBe(1);
    time.ms += 1;
    expect(log.dueInMs()).toBe(0);
    time.ms += 5000;
    expect(log.dueInMs()).toBe(0);
  });

  it('ten minutes after the last one for a few events, or a second when somebody asks', () => {
    const { log, time, add } = begin();
    add(8);
    log.sign();
    add(7);
    expect(log.dueInMs()).toBe(600_000);
    time.ms += 300;
    log.want();
    expect(log.dueInMs()).toBe(700);
    log.sign();
    add(1);
    expect(log.dueInMs()).toBe(600_000);
    add(7);
    expect(log.dueInMs()).toBe(1000);
  });

  it('at once for an empty log when somebody asks, and never a second time for the same size', () => {
    const { log } = begin();
    log.want();
    expect(log.dueInMs()).toBe(0);
    expect(log.sign().size).toBe(0);
    log.want();
    expect(log.dueInMs()).toBeUndefined();
    expect(() => log.sign()).toThrow(/UNIQUE/);
  });
});

it('stores the very note that it shows, over the tree as it is', () => {
  const { db, log, tree, add } = begin();
  add(300);
  const { size, note } = log.sign();
  expect(db.prepare('SELECT * FROM checkpoints').all()).toEqual([
    { size: 300, time_ms: 1_700_000_000_000, note },
  ]);
  const { text, signedBy } = openNote(note, [parseVerifierKey(log.verifierKey)]);
  expect(signedBy).toEqual(['device/1']);
  expect(parseCheckpoint(text)).toEqual({ origin: 'device/1', size, root: tree.root() });
  expect(log.checkpoint).toEqual({ size, note });
});
