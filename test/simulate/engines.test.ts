import { expect, test } from 'vitest';
import { Device } from './device.js';
import { ModelServers, SimulatedEngines } from './engines.js';
import { VirtualTime } from './virtual-time.js';

function make() {
  const time = new VirtualTime(0);
  const life = time.life();
  const device = new Device();
  const servers = new ModelServers();
  const engines = new SimulatedEngines({
    ...{ servers, device, life, workers: 2, idleTimeoutMs: 30_000, connectTimeoutMs: 3000, repeats: 0 },
    random: () => 0.5,
    deathChance: () => 0,
    onCall: () => undefined,
  });
  const ended: string[] = [];
  const run = async (signal: AbortSignal) => {
    const job = { kind: 'chat' as const, engine: 'ollama' as const, model: 'm', messages: [] };
    try {
      for await (const event of engines.run(job as never, { timeoutMs: 60_000, signal }))
        ended.push(event.type);
    } catch (error) {
      ended.push(String(error));
    }
  };
  return { time, life, device, servers, engines, run, ended };
}

test('a prompt takes the processor until it has its answer', async () => {
  const { time, device, servers, run, ended } = make();
  void run(new AbortController().signal);
  await time.run(2000, () => true);
  expect([device.running, servers.running.ollama]).toEqual([1, 1]);
  await time.run(60_000, () => true);
  expect(ended.at(-1)).toBe('done');
  expect([device.running, servers.running.ollama]).toEqual([0, 0]);
});

test('when the power goes in the middle of an answer the model server stops too: once, whatever ends later', async () => {
  const { time, life, device, servers, engines, run } = make();
  const caller = new AbortController();
  void run(caller.signal);
  await time.run(2000, () => true);
  life.end();
  engines.cut();
  expect([device.running, servers.running.ollama, device.load()]).toEqual([0, 0, 0.05]);
  caller.abort();
  engines.cut();
  await time.run(90_000, () => true);
  expect([device.running, servers.running.ollama]).toEqual([0, 0]);
});
