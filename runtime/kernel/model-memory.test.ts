import { expect, it, vi } from 'vitest';
import type { DeviceSample } from '../contracts/device.js';
import { createBus } from './bus.js';
import { modelIdleMs, modelMemory } from './model-memory.js';

function made(ramMax: number, modelsMay = true) {
  const bus = createBus(() => {});
  const prompts = { unloadModel: vi.fn(async (_?: { idleMs: number }) => true) };
  const log = { info: vi.fn(), error: vi.fn() };
  const unload = modelMemory({ bus, prompts, log, modelsMay: () => modelsMay, ramMax });
  const sample = (ram?: number) => bus.publish('device.sampled', { ram } as DeviceSample & { forecasts: [] });
  return { bus, prompts, log, unload, sample };
}

it('memory that is short lets an idle model go, from the bound on, and says so', async () => {
  const { prompts, log, sample } = made(90);
  sample(89.9);
  sample();
  expect(prompts.unloadModel).not.toHaveBeenCalled();
  sample(90);
  expect(prompts.unloadModel.mock.calls).toEqual([[{ idleMs: modelIdleMs }]]);
  await vi.waitFor(() => expect(log.info).toHaveBeenCalledOnce());
});

it('100 is never, also when all of it is in use', () => {
  const { prompts, sample } = made(100);
  sample(100);
  expect(prompts.unloadModel).not.toHaveBeenCalled();
});

it.each([true, false])('a level at which models may answer (%s) keeps it', (modelsMay) => {
  const { bus, prompts } = made(90, modelsMay);
  bus.publish('level.changed', { from: 'light', to: 'heavy' } as never);
  expect(prompts.unloadModel.mock.calls).toEqual(modelsMay ? [] : [[undefined]]);
});

it('one that stays is said, and nothing is said where there was none', async () => {
  const { prompts, log, unload } = made(90);
  prompts.unloadModel.mockRejectedValueOnce(new Error('stuck'));
  unload();
  await vi.waitFor(() => expect(log.error).toHaveBeenCalledOnce());
  prompts.unloadModel.mockResolvedValueOnce(false);
  unload();
  await Promise.resolve();
  expect(log.info).not.toHaveBeenCalled();
});
