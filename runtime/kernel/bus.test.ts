import { expect, test } from 'vitest';
import { createBus } from './bus.js';

const change = { from: 'normal', to: 'light', reason: 'test' } as const;

test('a subscriber that throws is reported and stops no other', () => {
  const errors: unknown[] = [];
  const seen: string[] = [];
  const bus = createBus((name, error) => errors.push([name, (error as Error).message]));
  bus.subscribe('level.changed', () => {
    throw new Error('broken');
  });
  bus.subscribe('level.changed', ({ to }) => seen.push(to));
  bus.publish('level.changed', change);
  expect(seen).toEqual(['light']);
  expect(errors).toEqual([['level.changed', 'broken']]);
});

test('an ended subscription hears nothing, also when it ends while a message travels', () => {
  const seen: number[] = [];
  const bus = createBus(() => {});
  const endFirst = bus.subscribe('level.changed', () => {
    seen.push(1);
    endFirst();
  });
  bus.subscribe('level.changed', () => seen.push(2));
  bus.publish('level.changed', change);
  bus.publish('level.changed', change);
  expect(seen).toEqual([1, 2, 2]);
});
