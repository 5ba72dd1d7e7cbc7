import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ArkaliaModule, ModuleContext } from '../contracts/module.js';
import { createBus } from './bus.js';
import { Lifecycle } from './lifecycle.js';

const log = pino({ level: 'silent' });
const bus = createBus(() => {});
const context = { log, bus } as unknown as ModuleContext;

const lifecycleOf = (modules: ArkaliaModule[], onFault = () => {}) =>
  new Lifecycle({ modules, log, clock: { monotonicMs: () => 0 }, onFault });

function recorder(
  name: string,
  calls: string[],
  failing?: string,
  priority: ArkaliaModule['priority'] = 'critical',
): ArkaliaModule {
  const step = (what: string) => () => {
    calls.push(`${name}.${what}`);
    if (what === failing) throw new Error(`${what} broke`);
  };
  return {
    name,
    version: '1.0.0',
    priority,
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
  const lifecycle = lifecycleOf([recorder('a', calls), recorder('b', calls)]);
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
    const lifecycle = lifecycleOf([recorder('a', calls), recorder('b', calls, step), recorder('c', calls)]);
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
  const lifecycle = lifecycleOf([recorder('a', calls), recorder('b', calls, 'stop')]);
  await lifecycle.provision(context);
  await lifecycle.stop();
  await lifecycle.stop();
  expect(calls.filter((call) => call.endsWith('.stop'))).toEqual(['b.stop', 'a.stop']);
});

test('a health that throws is a failed module, and a name may stand only once', () => {
  const lifecycle = lifecycleOf([recorder('a', [], 'health')]);
  expect(lifecycle.health(lifecycle.modules[0]!)).toEqual({
    state: 'failed',
    problem: 'health() threw: no pulse',
  });
  expect(() => lifecycleOf([recorder('a', []), recorder('a', [])])).toThrow(RangeError);
});

test('one that is not critical and does not start is failed, the others start, and a restart mends it', async () => {
  let broken = true;
  const b = recorder('b', [], undefined, 'low');
  b.start = () => {
    if (broken) throw new Error('start broke');
  };
  const calls: string[] = [];
  let faults = 0;
  const lifecycle = lifecycleOf([b, recorder('c', calls)], () => faults++);
  await lifecycle.provision(context);
  await lifecycle.start();
  expect(calls).toContain('c.start');
  expect(lifecycle.health(b)).toEqual({ state: 'failed', problem: 'module b failed to start: start broke' });
  expect(faults).toBe(1);
  await expect(lifecycle.restart('b')).rejects.toThrow('start broke');
  expect(lifecycle.health(b).state).toBe('failed');
  broken = false;
  await lifecycle.restart('b');
  expect(lifecycle.health(b)).toEqual({ state: 'ok' });
});

/** A module whose handler throws, at once or as a promise, and that listens since provision or since start. */
function listener({ since, late }: { since: 'provision' | 'start'; late: boolean }) {
  const module = recorder('ears', [], undefined, 'low');
  let end = () => {};
  let heard = 0;
  const listen = ({ bus }: Pick<ModuleContext, 'bus'>) => {
    end = bus.subscribe('prompt.began', (): unknown => {
      heard++;
      if (late) return Promise.reject(new Error('ouch'));
      throw new Error('ouch');
    });
  };
  let own: ModuleContext | undefined;
  module.provision = (given) => {
    own = given;
    if (since === 'provision') listen(given);
  };
  module.start = () => {
    if (since === 'start') listen(own!);
  };
  module.stop = () => end();
  return { module, heard: () => heard };
}

test.each([true, false])(
  'a handler that throws (later: %s) makes its module failed; after three restarts within an hour it is muted',
  async (late) => {
    const { module, heard } = listener({ since: 'start', late });
    const lifecycle = lifecycleOf([module]);
    await lifecycle.provision(context);
    await lifecycle.start();
    for (let round = 1; round <= 4; round++) {
      bus.publish('prompt.began', { engine: 'x' });
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard()).toBe(round);
      expect(lifecycle.health(module)).toEqual({
        state: 'failed',
        problem: 'Its handler of prompt.began threw: ouch',
      });
      if (round === 4) break;
      await lifecycle.restart('ears');
      expect(lifecycle.health(module)).toEqual({ state: 'ok' });
    }
    await expect(lifecycle.restart('ears')).rejects.toThrow('restarted 3 times within an hour');
    bus.publish('prompt.began', { engine: 'x' });
    expect(heard()).toBe(4);
    await lifecycle.stop();
  },
);

test('a module that is deaf after its restart has not recovered', async () => {
  const { module } = listener({ since: 'provision', late: false });
  const lifecycle = lifecycleOf([module]);
  await lifecycle.provision(context);
  await lifecycle.start();
  bus.publish('prompt.began', { engine: 'x' });
  await expect(lifecycle.restart('ears')).rejects.toThrow('hears less');
  expect(lifecycle.health(module).state).toBe('failed');
});
