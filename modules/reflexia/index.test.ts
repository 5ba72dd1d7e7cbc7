import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { TextAnswer } from '../../runtime/contracts/http.js';
import { createFakeContext } from '../../test/support/fake-context.js';
import reflexia from './index.js';
import { statusAnswer } from './schema.js';

async function withModule(
  dataDir: string,
  use: (parts: {
    module: ReturnType<typeof reflexia>;
    context: ReturnType<typeof createFakeContext>;
    samples: DeviceSample[];
    sampled(count: number): Promise<void>;
  }) => Promise<void>,
) {
  const context = createFakeContext({ config: { data_dir: dataDir, reflexia: { interval_ms: 200 } } });
  const samples: DeviceSample[] = [];
  let wake = () => {};
  context.bus.subscribe('device.sampled', (sample) => {
    samples.push(sample);
    wake();
  });
  const module = reflexia();
  await module.provision(context);
  await module.validate();
  await module.start();
  try {
    const sampled = async (count: number) => {
      while (samples.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    await use({ module, context, samples, sampled });
  } finally {
    await module.stop();
  }
}

const status = async (module: ReturnType<typeof reflexia>) => {
  const route = module.routes!()[0]!;
  expect([route.method, route.path, route.role]).toEqual(['GET', '/reflexia/status', 'operator']);
  const { text } = (await route.handler({} as never)) as TextAnswer;
  return statusAnswer.parse(JSON.parse(text));
};

test('samples this very machine, tells the bus, health and status; records nothing; ends with stop', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reflexia-'));
  try {
    await withModule(folder, async ({ module, context, samples, sampled }) => {
      expect(await status(module)).toMatchObject({ interval_ms: 200, sample: null, history: [] });
      await sampled(2);
      const last = samples.at(-1)!;
      expect(last.disk).toBeGreaterThan(0);
      expect(last.process_rss_bytes).toBeGreaterThan(1e6);
      if (process.platform === 'linux') {
        expect(last.ram).toBeGreaterThan(0);
        expect(last.absent).not.toContain('cpu');
      }
      const known = new Set([...Object.keys(last), ...last.absent]);
      expect(known).toContain('temperature_c');
      expect(known).toContain('throttled');
      expect(module.health()).toMatchObject({ state: 'ok', facts: { disk: last.disk } });
      const answer = await status(module);
      expect(answer.history).toHaveLength(samples.length);
      const { forecasts, ...sample } = JSON.parse(JSON.stringify(last)) as DeviceSample;
      expect(answer.sample).toEqual(sample);
      expect(answer.forecasts).toEqual(forecasts);
      expect(forecasts?.disk).toMatchObject({ state: 'learning', value: last.disk });
      expect(Object.keys(answer.absent_because).sort()).toEqual([...last.absent].sort());
      expect(context.ledger.events).toEqual([]);

      await module.stop();
      const count = samples.length;
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(samples).toHaveLength(count);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a data folder that is not there makes the disk absent, with the reason, and nothing else', async () => {
  const missing = join(tmpdir(), 'reflexia-no-such-folder');
  await withModule(missing, async ({ module, samples, sampled }) => {
    await sampled(1);
    expect(samples[0]!.absent).toContain('disk');
    expect((await status(module)).absent_because.disk).toContain('ENOENT');
    expect(samples[0]!.process_rss_bytes).toBeGreaterThan(1e6);
  });
});

test('says so when samples stop coming', async () => {
  await withModule(tmpdir(), async ({ module, context, sampled }) => {
    await sampled(1);
    await module.stop();
    expect(module.health().state).toBe('ok');
    context.clock.advance(60_000);
    expect(module.health()).toMatchObject({
      state: 'degraded',
      problem: 'no sample of the device for 60 s',
    });
  });
});

test('stop after a provision that never came is no error', async () => {
  await reflexia().stop();
});
