import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../../test/support/fake-context.js';
import type { NewEvent } from '../contracts/ledger.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { incidentFile } from './incident-file.js';
import { StateBook } from './state-book.js';

const probationMs = 1000;
const hourMs = 3_600_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const path = () => join(folder, 'states.json');

/** One life of the process on the same folder; it ends without a word unless it is closed. */
async function life({
  restarted,
  rollback = true,
  schema = z.int(),
}: {
  restarted?: string;
  rollback?: boolean;
  schema?: z.ZodType<number>;
} = {}) {
  const clock = new ManualClock();
  const incidents: string[] = ['inc-old'];
  const events: NewEvent[] = [];
  const errors: unknown[] = [];
  const restored: { value: number; why: string }[] = [];
  const book = await StateBook.open({
    storage: incidentFile(path(), writeFileAtomic),
    clock,
    probationMs: rollback ? probationMs : undefined,
    openIncidents: () => [...incidents],
    restarted,
    record: (event) => events.push(event),
    onError: (error) => errors.push(error),
  });
  const restore = (value: number, why: string) => {
    restored.push({ value, why });
  };
  const state = book.open({ name: 'test.number', schema, initial: 0, restore });
  return { clock, incidents, events, errors, restored, book, state };
}

test('a change that makes health worse within its probation is undone in the running module, told and recorded', async () => {
  const { clock, incidents, events, restored, book, state } = await life();
  expect(state.current()).toBe(0);
  await state.change(1, 'one');
  clock.advance(probationMs - 1);
  await book.look();
  expect(restored).toEqual([]);
  incidents.push('inc-new');
  await book.look();
  expect(state.current()).toBe(0);
  const why = 'the incident inc-new was opened during its probation';
  expect(restored).toEqual([{ value: 0, why }]);
  const [told] = book.status();
  expect(told).toMatchObject({
    on_probation: 0,
    version: told!.good,
    undone: [{ back_to: told!.good, why }],
  });
  const { version, back_to } = told!.undone[0]!;
  expect(events).toEqual([
    { type: 'state_rolled_back', module: 'kernel', data: { state: 'test.number', version, back_to, why } },
  ]);
  await book.look();
  expect(events).toHaveLength(1);
});

test('one that does not is kept: incidents from before, one that goes away and one that comes after count for nothing', async () => {
  const { clock, incidents, events, book, state } = await life();
  await state.change(1, 'one');
  incidents.pop();
  clock.advance(probationMs);
  await book.look();
  expect(book.status()).toMatchObject([{ on_probation: 0, why: 'one' }]);
  incidents.push('inc-later');
  await book.look();
  expect(state.current()).toBe(1);
  expect(events).toEqual([]);
});

test('all changes since the last good one are undone together, those before it stay', async () => {
  const { clock, incidents, restored, book, state } = await life();
  await state.change(1, 'one');
  clock.advance(probationMs / 2);
  await state.change(2, 'two');
  clock.advance(probationMs / 2);
  await book.look();
  expect(book.status()).toMatchObject([{ on_probation: 1, why: 'two' }]);
  await state.change(3, 'three');
  incidents.push('inc-new');
  await book.look();
  expect(restored.map(({ value }) => value)).toEqual([1]);
  expect([1, 2, 3].map((value) => state.mayChange(value))).toEqual([true, false, false]);
  await expect(state.change(2, 'again')).rejects.toThrow(RangeError);
  clock.advance(hourMs);
  expect(state.mayChange(2)).toBe(true);
});

test('going back by itself to the last good one ends the probation', async () => {
  const { incidents, restored, book, state } = await life();
  await state.change(1, 'one');
  await state.change(0, 'back');
  incidents.push('inc-new');
  await book.look();
  expect(restored).toEqual([]);
  expect(state.mayChange(1)).toBe(true);
});

test('killed once during a probation it goes on, and begins anew; killed twice it is undone', async () => {
  const first = await life();
  await first.state.change(1, 'one');
  const second = await life();
  expect(second.state.current()).toBe(1);
  second.clock.advance(probationMs - 1);
  await second.book.look();
  expect(second.book.status()).toMatchObject([{ on_probation: 1 }]);
  const third = await life();
  expect(third.state.current()).toBe(0);
  expect(third.events).toMatchObject([{ type: 'state_rolled_back' }]);
  expect(third.book.status()[0]!.undone[0]!.why).toContain('2 times');
  expect(third.state.mayChange(1)).toBe(false);
  const fourth = await life();
  expect([fourth.state.current(), fourth.state.mayChange(1), fourth.events]).toEqual([0, false, []]);
});

test('ends in good order and those after the probation count for nothing', async () => {
  let now = await life();
  await now.state.change(1, 'one');
  for (let n = 0; n < 5; n++) {
    await now.book.close();
    now = await life();
  }
  expect(now.state.current()).toBe(1);
  now.clock.advance(probationMs);
  await now.book.look();
  for (let n = 0; n < 5; n++) now = await life({ restarted: 'signal SIGKILL' });
  expect(now.state.current()).toBe(1);
});

test('ended and replaced during its probation it is undone at once; an incident of before the end counts after it', async () => {
  const first = await life();
  await first.state.change(1, 'one');
  const second = await life({ restarted: 'stuck: http' });
  expect(second.state.current()).toBe(0);
  expect(second.book.status()[0]!.undone[0]!.why).toContain('stuck: http');
  await second.state.change(2, 'two');
  second.incidents.push('inc-new');
  const third = await life();
  third.incidents.push('inc-new');
  await third.book.look();
  expect(third.restored.map(({ value }) => value)).toEqual([0]);
});

test('a file that is damaged, or another one, is told and all is learned anew, also the file', async () => {
  const kept = await life();
  await kept.state.change(1, 'one');
  const damaged = ['', '{', 'null', '[]', '{"test.number":{}}', '{"test.number":{"good":null}}', '\u0000'];
  for (const text of damaged) {
    writeFileSync(path(), text);
    const { errors, book, state } = await life();
    expect([state.current(), errors.length], JSON.stringify(text)).toEqual([0, 1]);
    await state.change(2, 'two');
    await book.close();
    expect((await life()).state.current()).toBe(2);
  }
  expect(readdirSync(folder)).toEqual(['states.json']);
});

test('a value that does not fit any more is forgotten, and the versions with it', async () => {
  const first = await life();
  await first.state.change(9, 'nine');
  const { errors, state } = await life({ schema: z.int().max(5) });
  expect([state.current(), errors.length]).toEqual([0, 1]);
});

test('neither a file that cannot be written nor a module that cannot go back stops anything', async () => {
  const errors: unknown[] = [];
  const open = ['inc-old'];
  const book = await StateBook.open({
    storage: { read: async () => undefined, write: () => Promise.reject(new Error('full')) },
    clock: new ManualClock(),
    probationMs,
    openIncidents: () => [...open],
    restarted: undefined,
    record: () => {},
    onError: (error) => errors.push(error),
  });
  const restore = () => Promise.reject(new Error('stubborn'));
  const state = book.open({ name: 'test.number', schema: z.int(), initial: 0, restore });
  expect(() => book.open({ name: 'test.number', schema: z.int(), initial: 0, restore })).toThrow(RangeError);
  await state.change(1, 'one');
  open.push('inc-new');
  await book.look();
  expect(state.current()).toBe(0);
  expect(errors.map(String)).toEqual(['Error: full', 'Error: stubborn', 'Error: full']);
});

test('where going back is off a change is good at once', async () => {
  const { incidents, restored, book, state } = await life({ rollback: false });
  await state.change(1, 'one');
  incidents.push('inc-new');
  await book.look();
  expect([restored, state.current()]).toEqual([[], 1]);
  expect((await life({ rollback: false, restarted: 'signal SIGKILL' })).state.current()).toBe(1);
});

test('a change that only protects is good at once, whatever was undone or is on probation', async () => {
  const { incidents, restored, book, state } = await life();
  await state.change(1, 'one');
  incidents.push('inc-new');
  await book.look();
  await state.change(2, 'two');
  await state.change(1, 'safer', { probation: false });
  incidents.push('inc-newer');
  await book.look();
  expect([restored.map(({ value }) => value), state.current()]).toEqual([[0], 1]);
});

test('more changes than can be on probation are not made', async () => {
  const { clock, book, state } = await life();
  for (let n = 1; n <= 20; n++) await state.change(n, 'more');
  expect([state.mayChange(21), state.mayChange(0)]).toEqual([false, true]);
  clock.advance(probationMs);
  await book.look();
  expect(state.mayChange(21)).toBe(true);
});

test('whatever comes in whatever order: what holds was never seen with worse health, and a restart knows as much', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('change' as const), to: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 1500 }) }),
    fc.record({ do: fc.constant('worse' as const) }),
    fc.record({ do: fc.constant('restart' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      rmSync(path(), { force: true });
      let now = await life();
      let count = 0;
      for (const one of steps) {
        if (one.do === 'change' && now.state.mayChange(one.to)) await now.state.change(one.to, 'drawn');
        if (one.do === 'wait') now.clock.advance(one.ms);
        if (one.do === 'worse') now.incidents.push(`inc-${count++}`);
        await now.book.look();
        const [told] = now.book.status();
        if (one.do === 'worse') expect(told).toMatchObject({ on_probation: 0, version: told!.good });
        if (one.do === 'restart') {
          const value = now.state.current();
          const { incidents } = now;
          await now.book.close();
          now = await life();
          now.incidents.splice(0, 1, ...incidents);
          expect(now.state.current()).toBe(value);
        }
        expect(told!.undone.length).toBeLessThanOrEqual(20);
      }
    }),
    { numRuns: 60 },
  );
});
