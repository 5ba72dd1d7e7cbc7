import { expect, test } from 'vitest';
import { AppError } from './errors.js';
import type { Ledger, NewEvent, Receipt } from './ledger.js';
import { preferredWaitMs, record, recordedStatus } from './record.js';

test.each([
  [undefined, undefined],
  ['', undefined],
  ['respond-async', undefined],
  ['waiting=3', undefined],
  ['wait=0', 0],
  ['wait=10', 10_000],
  ['WAIT = 10', 10_000],
  ['wait="7"', 7000],
  ['respond-async, wait=86400', 86_400_000],
  ['handling=lenient; foo="bar", wait=2, wait=9', 2000],
])('Prefer: %s allows %s ms', (header, ms) => {
  expect(preferredWaitMs(header)).toBe(ms);
});

test.each(['wait', 'wait=', 'wait=-1', 'wait=1.5', 'wait=86401', 'wait=1e3', 'wait=forever'])(
  'Prefer: %s is refused',
  (header) => {
    expect(() => preferredWaitMs(header)).toThrow(AppError);
  },
);

const event: NewEvent = { type: 'system_error', module: 'kernel', data: {} };
const receipt: Receipt = { recorded: 'durable', index: 3, leaf_hash: 'ab'.repeat(32) };
const proof = { index: 3, size: 4, leaf_hash: receipt.leaf_hash, root_hash: 'cd'.repeat(32), hashes: [] };

function ledgerOf(durable: Promise<Receipt>, inclusion: () => Promise<unknown>): Ledger {
  return { enqueue: () => durable, log: { inclusion } } as unknown as Ledger;
}
const never = new Promise<never>(() => {});
const ignore = () => {
  throw new Error('nothing is lost here');
};

test('what holds when the wait is over is the answer', async () => {
  const noDisk = ledgerOf(never, () => never);
  expect(await record(noDisk, event, { level: 'durable', waitMs: 0, onLost: ignore })).toEqual({
    recorded: 'queued',
  });
  const noCheckpoint = ledgerOf(Promise.resolve(receipt), () => never);
  expect(await record(noCheckpoint, event, { level: 'checkpointed', waitMs: 1, onLost: ignore })).toEqual({
    recorded: 'durable',
    receipt,
  });
});

test('a durable event is never refused: without a checkpoint it is durable', async () => {
  const closed = ledgerOf(Promise.resolve(receipt), () =>
    Promise.reject(new AppError('ledger_unavailable', 'closed')),
  );
  expect(await record(closed, event, { level: 'checkpointed', onLost: ignore })).toMatchObject({
    recorded: 'durable',
  });
  const all = ledgerOf(Promise.resolve(receipt), async () => ({ ...proof, checkpoint: 'note' }));
  expect(await record(all, event, { level: 'checkpointed', onLost: ignore })).toEqual({
    recorded: 'checkpointed',
    receipt: { ...receipt, recorded: 'checkpointed', proof: { ...proof, checkpoint: 'note' } },
  });
});

test.each(['queued', 'durable'] as const)(
  'an answer of %s that did not wait for the disk tells of what was lost then',
  async (level) => {
    const full = new AppError('ledger_unavailable', 'the disk is full');
    const failing = new Promise<Receipt>((_, reject) => setTimeout(() => reject(full), 5));
    const lost = new Promise((resolve) => {
      void record(
        ledgerOf(failing, () => never),
        event,
        { level, waitMs: 0, onLost: resolve },
      );
    });
    expect(await lost).toBe(full);
  },
);

test('202 stands for less than asked', () => {
  expect(recordedStatus('queued', 'queued')).toBe(200);
  expect(recordedStatus('durable', 'queued')).toBe(200);
  expect(recordedStatus('queued', 'durable')).toBe(202);
  expect(recordedStatus('durable', 'checkpointed')).toBe(202);
});
