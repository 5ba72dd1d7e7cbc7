import { expect, test } from 'vitest';
import { EnergyMeter } from './energy.js';

test('power times time; what a prompt ran is kept apart, and prompts at once share it', () => {
  const meter = new EnergyMeter();
  expect(meter.add(5, 1000)).toEqual({ joules: 0, prompt_joules: 0, prompts: 0, tokens: 0 });
  meter.began(2000);
  meter.began(3000);
  meter.ended(4000, { done: true, tokens: 30 });
  // 4 s at 5 W, 3 s of them with a prompt, of which one still runs.
  expect(meter.add(5, 5000)).toEqual({
    joules: 20,
    prompt_joules: 15,
    prompts: 1,
    tokens: 30,
    joules_per_request: 15,
    joules_per_token: 0.5,
  });
  meter.ended(6000, { done: true, tokens: 20 });
  expect(meter.add(10, 10_000)).toEqual({
    joules: 70,
    prompt_joules: 25,
    prompts: 2,
    tokens: 50,
    joules_per_request: 12.5,
    joules_per_token: 0.5,
  });
});

test('a prompt that failed took energy and is none that was answered; tokens that nobody told are not guessed', () => {
  const meter = new EnergyMeter();
  meter.add(1, 0);
  meter.began(0);
  meter.ended(1000, { done: false });
  expect(meter.add(1, 1000)).toEqual({ joules: 1, prompt_joules: 1, prompts: 0, tokens: 0 });
  meter.began(1000);
  meter.ended(2000, { done: true });
  expect(meter.add(1, 2000)).toMatchObject({ joules_per_request: 2, prompts: 1, tokens: 0 });
  expect(meter.add(1, 2000)).not.toHaveProperty('joules_per_token');
});

test('a time without known power counts neither as nothing nor as the power after it', () => {
  const meter = new EnergyMeter();
  meter.add(2, 0);
  meter.began(0);
  expect(meter.add(undefined, 1000)).toBeUndefined();
  expect(meter.add(2, 2000)).toMatchObject({ joules: 2, prompt_joules: 2 });
});

test('the end of a prompt that began before anybody counted changes nothing', () => {
  const meter = new EnergyMeter();
  meter.ended(10, { done: true, tokens: 5 });
  meter.add(1, 10);
  expect(meter.add(1, 20)).toMatchObject({ prompt_joules: 0, prompts: 0 });
});
