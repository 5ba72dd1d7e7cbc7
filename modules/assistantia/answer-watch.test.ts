import { expect, test } from 'vitest';
import type { Guard, GuardAction, GuardResult } from '../../runtime/contracts/guard.js';
import { AnswerWatch } from './answer-watch.js';

const found: GuardResult = { verdict: 'refuse', reasons: [] };

/** Cuts at the word "secret", even where it comes in pieces. */
const guard: Pick<Guard, 'watchOutput'> = {
  watchOutput: () => {
    let said = '';
    return {
      push(text) {
        said += text;
        return said.includes('secret') ? { release: '', cut: found } : { release: text };
      },
      held: () => ({ from: 0, count: 0 }),
      expire: () => ({ release: '' }),
      finish: () => ({ release: '' }),
    };
  },
};

const watchWith = (action: GuardAction) => new AnswerWatch(guard as Guard, { action });
const call = (args: object, name = 'send') => ({ id: '1', name, arguments: JSON.stringify(args) });

test.each([
  ['a text', { to: 'secret' }],
  ['a text deep inside', { list: [{ a: [1, null, true, 'the secret'] }] }],
  ['a key', { secret: 1 }],
])('a call is cut for %s', (_, args) => {
  const watch = watchWith('enforce');
  expect(watch.allows(call({ to: 'anna' }))).toBe(true);
  expect(watch.ended).toBe(false);
  expect(watch.allows(call(args))).toBe(false);
  expect(watch.ended).toBe(true);
  expect(watch.cut).toBe(found);
  expect(watch.calls).toHaveLength(1);
});

test('an escape hides nothing', () => {
  const escaped = { ...call({}), arguments: '{"to":"\\u0073ecret"}' };
  expect(watchWith('enforce').allows(escaped)).toBe(false);
});

test('observing reports and lets it pass', () => {
  const watch = watchWith('observe');
  expect(watch.allows(call({ to: 'secret' }))).toBe(true);
  expect(watch.ended).toBe(false);
  expect(watch.cut).toBe(found);
  expect(watch.calls).toHaveLength(1);
});

test('text is released until it is cut', () => {
  const watch = watchWith('enforce');
  expect(watch.take('a sec')).toBe('a sec');
  expect(watch.take('ret')).toBe('');
  expect(watch.take(undefined)).toBe('');
  expect(watch.text).toBe('a sec');
  expect(watch.ended).toBe(true);
});
