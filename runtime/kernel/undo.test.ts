import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Undo } from './undo.js';

test('what was opened is closed in reverse order, once, whatever fails', async () => {
  const calls: string[] = [];
  const undo = new Undo(pino({ level: 'silent' }));
  undo.add('first', () => void calls.push('first'));
  undo.add('broken', () => Promise.reject(new Error('stuck')));
  undo.add('last', async () => void calls.push('last'));
  await undo.run();
  await undo.run();
  expect(calls).toEqual(['last', 'first']);
});
