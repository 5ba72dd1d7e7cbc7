import { expect, test } from 'vitest';
import { Sessions } from './sessions.js';

const exchange = (text: string) =>
  [
    { role: 'user', content: text },
    { role: 'assistant', content: `re ${text}` },
  ] as const;

test('a conversation belongs to its caller', () => {
  const sessions = new Sessions(10, 10);
  sessions.add('key:a', 's', exchange('mine'));
  expect(sessions.messages('key:a', 's')).toHaveLength(2);
  expect(sessions.messages('key:b', 's')).toEqual([]);
});

test('old messages and old conversations are forgotten', () => {
  const sessions = new Sessions(2, 3);
  sessions.add('a', '1', exchange('one'));
  sessions.add('a', '1', exchange('two'));
  expect(sessions.messages('a', '1').map((message) => message.content)).toEqual(['re one', 'two', 're two']);
  sessions.add('a', '2', exchange('x'));
  sessions.add('a', '3', exchange('y'));
  expect(sessions.size).toBe(2);
  expect(sessions.messages('a', '1')).toEqual([]);
});

test('conversations are forgotten by their id, by their caller, or all', () => {
  const sessions = new Sessions(10, 10);
  const fill = () => {
    for (const owner of ['key:a', 'key:b'])
      for (const id of ['1', '2']) sessions.add(owner, id, exchange('x'));
  };
  fill();
  sessions.forget({ session: '1' });
  expect(sessions.size).toBe(2);
  expect(sessions.messages('key:b', '2')).toHaveLength(2);
  fill();
  sessions.forget({ owner: 'key:a' });
  expect(sessions.size).toBe(2);
  expect(sessions.messages('key:a', '1')).toEqual([]);
  sessions.forget('all');
  expect(sessions.size).toBe(0);
});

test('what was read elsewhere is taken in once, and not when something was forgotten during the reading', () => {
  const sessions = new Sessions(10, 2);
  const [first, second] = [sessions.recalling('a', '1'), sessions.recalling('a', '1')];
  first([...exchange('old'), ...exchange('new')]);
  second(exchange('again'));
  expect(sessions.messages('a', '1')).toEqual(exchange('new'));
  sessions.recalling('a', 'none')([]);
  expect(sessions.has('a', 'none')).toBe(false);
  for (const forget of [
    () => sessions.forgetOne('a', '2'),
    () => sessions.forget({ session: '2' }),
    () => sessions.forget({ owner: 'a' }),
    () => sessions.forget('all'),
  ]) {
    const recalled = sessions.recalling('a', '2');
    forget();
    recalled(exchange('erased'));
    expect(sessions.has('a', '2')).toBe(false);
  }
});
