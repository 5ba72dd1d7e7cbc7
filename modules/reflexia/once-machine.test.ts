import { expect, test } from 'vitest';
import { fakeMachine } from './fixtures/machine.js';
import { onceMachine } from './once-machine.js';

const signal = new AbortController().signal;

test('each file is read and each command run once until the next sample, failures too', async () => {
  let asked = 0;
  const inner = fakeMachine({ platform: 'linux', files: { '/a': 'one' }, commands: { 'x y': 'two' } });
  const machine = onceMachine({
    ...inner,
    readText: (path, given) => {
      asked += 1;
      return inner.readText(path, given);
    },
    run: (...args) => {
      asked += 1;
      return inner.run(...args);
    },
  });
  expect(await Promise.all([machine.readText('/a', signal), machine.readText('/a', signal)])).toEqual([
    'one',
    'one',
  ]);
  expect([await machine.run('x', ['y'], signal), await machine.run('x', ['y'], signal)]).toEqual([
    'two',
    'two',
  ]);
  await expect(machine.readText('/b', signal)).rejects.toThrow('ENOENT');
  await expect(machine.readText('/b', signal)).rejects.toThrow('ENOENT');
  expect(asked).toBe(3);
  machine.forget();
  expect(await machine.readText('/a', signal)).toBe('one');
  expect(asked).toBe(4);
});
