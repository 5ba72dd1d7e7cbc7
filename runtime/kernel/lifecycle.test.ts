import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ArkaliaModule, ModuleContext } from '../contracts/module.js';
import { Lifecycle } from './lifecycle.js';

const log = pino({ level: 'silent' });
const context = { log } as unknown as ModuleContext;

function recorder(name: string, calls: string[], failing?: string): ArkaliaModule {
  const step = (what: string) => () => {
    calls.push(`${name}.${what}`);
    if (what === failing) throw new Error(`${what} broke`);
  };
  return {
    name,
    version: '1.0.0',
    priority: 'low',
    provision: step('provision'),
    validate: step('validate'),
    start: step('start'),
    stop: step('stop'),
    health: () => {
      if (failing === 'health') throw new Error('no pulse');
      return { state: 'ok' };
    },
  };
}

test('steps run over all modules in order, stop in reverse', async () => {
  const calls: string[] = [];
  const lifecycle = new Lifecycle([recorder('a', calls), recorder('b', calls)], log);
  await lifecycle.provision(context);
  await lifecycle.start();
  await lifecycle.stop();
  expect(calls).toEqual([
    'a.provision',
    'b.provision',
    'a.validate',
    'b.validate',
    'a.start',
    'b.start',
    'b.stop',
    'a.stop',
  ]);
});

test.each(['provision', 'validate', 'start'])(
  'a module that fails to %s is named, and all provisioned are stopped',
  async (step) => {
    const calls: string[] = [];
    const lifecycle = new Lifecycle(
      [recorder('a', calls), recorder('b', calls, step), recorder('c', calls)],
      log,
    );
    const run = async () => {
      await lifecycle.provision(context);
      await lifecycle.start();
    };
    await expect(run()).rejects.toThrow(`module b failed to ${step}: ${step} broke`);
    await lifecycle.stop();
    const stopped = calls.filter((call) => call.endsWith('.stop'));
    expect(stopped).toEqual(step === 'provision' ? ['b.stop', 'a.stop'] : ['c.stop', 'b.stop', 'a.stop']);
  },
);

test('a module that fails to stop holds up no other, and stop runs once', async () => {
  const calls: string[] = [];
  const lifecycle = new Lifecycle([recorder('a', calls), recorder('b', calls, 'stop')], log);
  await lifecycle.provision(context);
  await lifecycle.stop();
  await lifecycle.stop();
  expect(calls.filter((call) => call.endsWith('.stop'))).toEqual(['b.stop', 'a.stop']);
});

test('a health that throws is a failed module, and a name may stand only once', () => {
  const lifecycle = new Lifecycle([recorder('a', [], 'health')], log);
  expect(lifecycle.health(lifecycle.modules[0]!)).toEqual({
    state: 'failed',
    problem: 'health() threw: no pulse',
  });
  expect(() => new Lifecycle([recorder('a', []), recorder('a', [])], log)).toThrow(RangeError);
});
