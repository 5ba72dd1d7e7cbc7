import { expect, test } from 'vitest';
import type { DecisionMade } from '../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import { AppError } from '../../runtime/contracts/errors.js';
import type { TextAnswer } from '../../runtime/contracts/http.js';
import { limitsAt } from '../../runtime/kernel/degradation-services.js';
import { createFakeContext, type FakeContextOptions, floorScore } from '../../test/support/fake-context.js';
import sandozia from './index.js';
import { statusAnswer } from './schema.js';

const turn = () => new Promise(setImmediate);

async function appliance(parts: FakeContextOptions['parts'] = {}) {
  const context = createFakeContext({
    config: { reflexia: { interval_ms: 1000 }, zeroia: { act: false } },
    parts,
  });
  const module = sandozia();
  await module.provision(context);
  await module.validate();
  await module.start();
  const told: string[] = [];
  context.bus.subscribe('contradiction.detected', ({ check, evidence }) =>
    told.push(`${check} ${evidence.fault}`),
  );

  const sample = async (cpu = 10): Promise<DeviceSample> => {
    context.clock.advance(1000);
    const taken = { wall_ms: 0, monotonic_ms: context.clock.monotonicMs(), cpu, ram: 20, absent: [] };
    context.bus.publish('device.sampled', taken);
    await turn();
    return taken;
  };
  /** What zeroia does with a sample. */
  const decide = async ({ cpu, ram, monotonic_ms }: DeviceSample, change: Partial<DecisionMade> = {}) => {
    const input = { cpu: cpu!, ram: ram!, severity: 'normal' as const };
    const score = floorScore(input);
    const id = `d-${monotonic_ms}`;
    const receipt = await context.ledger.append({
      type: 'decision_made',
      module: 'zeroia',
      stream: 'device',
      data: { id, decision: score.decision },
    });
    context.bus.publish('decision.made', {
      id,
      stream: 'device',
      input,
      score,
      index: receipt.index,
      sampleMonotonicMs: monotonic_ms,
      ...change,
    });
  };
  const recorded = () => context.ledger.events.filter(({ type }) => type === 'contradiction_detected');
  const status = async () => {
    const { text } = (await module.routes!()[0]!.handler({} as never)) as TextAnswer;
    return statusAnswer.parse(JSON.parse(text));
  };
  return { context, module, told, sample, decide, recorded, status };
}

test('a healthy hour is silent', async () => {
  const { context, module, told, sample, decide, recorded, status } = await appliance();
  for (let round = 0; round < 200; round += 1) {
    await decide(await sample(round % 100));
    if (round % 50 === 25) await context.degradation.set(round % 100 === 25 ? 'light' : 'normal', 'test');
  }
  expect(told).toEqual([]);
  expect(recorded()).toEqual([]);
  expect(module.health().state).toBe('ok');
  const answer = await status();
  expect(answer).toMatchObject({ compared: 200, contradictions: 0 });
  const others = answer.checks.filter(({ level }) => level !== 'ok');
  expect(others).toMatchObject([{ name: 'ledger_holds_answer', level: 'info', fault: 'no_answer' }]);
  expect(answer.checks).toHaveLength(10);
  await module.stop();
});

test('zeroia falls silent: told and recorded once, shown in health and status, then over', async () => {
  const { module, told, sample, decide, recorded, status } = await appliance();
  await decide(await sample());
  for (let round = 0; round < 5; round += 1) await sample();
  expect(told).toEqual(['sample_decided undecided']);
  expect(recorded().map(({ data, module: by }) => [by, data.check, data.fault, data.level])).toEqual([
    ['sandozia', 'sample_decided', 'undecided', 'warning'],
  ]);
  expect(module.health()).toMatchObject({
    state: 'degraded',
    problem: 'two accounts contradict (sample_decided: undecided)',
    facts: { sample_decided: 'warning', decision_rules: 'ok' },
  });
  expect((await status()).checks[0]).toMatchObject({ level: 'warning', fault: 'undecided' });

  await decide(await sample());
  await decide(await sample());
  expect(module.health().state).toBe('ok');
  expect((await status()).checks[0]).toMatchObject({ level: 'ok', fault: null, evidence: {} });
  await module.stop();
});

test('a decision milder than the rules, and one that the ledger does not hold', async () => {
  const { module, told, sample, decide } = await appliance();
  const hot = await sample(95);
  await decide(hot, { score: { ...floorScore({ cpu: 1, ram: 1, severity: 'none' }) } });
  await sample();
  expect(told).toContain('decision_rules milder_than_rules');
  expect(told).toContain('ledger_holds_decision decision_differs');
  await module.stop();
});

test('a level that changes behind everyone’s back', async () => {
  let level: 'normal' | 'survival' = 'normal';
  const { module, told, sample, decide } = await appliance({
    degradation: {
      level: () => level,
      shed: () => [],
      limits: () => limitsAt('normal'),
      status: () => ({ reason: null, for_ms: 0, services: [] }),
      set: async () => undefined,
    },
  });
  await decide(await sample());
  level = 'survival';
  await decide(await sample());
  await decide(await sample());
  await decide(await sample());
  expect(told).toEqual(['level_in_force level_differs']);
  await module.stop();
});

test('the routes tell what was recorded, the score and, unless it is shed, the patterns', async () => {
  const { context, module, sample, decide } = await appliance();
  await decide(await sample());
  for (let round = 0; round < 4; round += 1) await sample();
  const call = async (path: string, query = {}) => {
    const route = module.routes!().find((one) => one.path === path)!;
    return JSON.parse(((await route.handler({ query, body: {} } as never)) as TextAnswer).text);
  };
  const { events } = await call('/sandozia/validations', { limit: 5 });
  expect(events).toMatchObject([{ data: { check: 'sample_decided', fault: 'undecided' } }]);
  expect((await call('/sandozia/score')).score).toBeLessThan(1);
  expect(await call('/sandozia/energy')).toEqual({});
  const power = { watts: 3, source: 'model', estimated: true } as const;
  const energy = { joules: 3, prompt_joules: 0, prompts: 0, tokens: 0 };
  context.bus.publish('device.sampled', { ...(await sample()), power, energy });
  expect(await call('/sandozia/energy')).toEqual({ power });
  await turn();
  const before = await call('/sandozia/status');
  expect((await call('/sandozia/validate')).checks).toHaveLength(10);
  expect((await call('/sandozia/status')).compared).toBe(before.compared + 1);
  await expect(call('/sandozia/patterns', { hours: 1 })).rejects.toThrow('does not analyse');
  await context.degradation.set('light', 'test');
  await expect(call('/sandozia/patterns', { hours: 1 })).rejects.toMatchObject({ code: 'degraded' });
  await module.stop();
});

test('where no one is to decide, undecided samples are no contradiction', async () => {
  const context = createFakeContext({ config: { modules: { enabled: ['reflexia', 'sandozia'] } } });
  const module = sandozia();
  await module.provision(context);
  for (let at = 0; at < 50_000; at += 5000) {
    context.bus.publish('device.sampled', { wall_ms: 0, monotonic_ms: at, cpu: 1, ram: 1, absent: [] });
    await turn();
  }
  expect(module.health().state).toBe('ok');
  expect(context.ledger.events).toEqual([]);
  await module.stop();
});

test('a ledger that fails is no contradiction, and a contradiction is told even when it cannot be recorded', async () => {
  const { context, module, told, sample, decide, recorded, status } = await appliance();
  await decide(await sample());
  context.ledger.failure = new AppError('ledger_unavailable', 'the disk is gone');
  await sample();
  await sample();
  await sample();
  expect(told).toEqual(['sample_decided undecided']);
  expect((await status()).checks[2]).toMatchObject({ level: 'info', fault: 'could_not_compare' });
  expect(recorded()).toEqual([]);
  await module.stop();
});

test('a slow ledger gets one question at a time; stop waits for it and hears nothing more', async () => {
  const { context, module, sample, decide } = await appliance();
  await decide(await sample());
  let asked = 0;
  let answer = () => {};
  context.ledger.query = () => {
    asked += 1;
    return new Promise((resolve) => {
      answer = () => resolve([]);
    });
  };
  await sample();
  await sample();
  await sample();
  expect(asked).toBe(1);
  let stopped = false;
  const stopping = Promise.resolve(module.stop()).then(() => {
    stopped = true;
  });
  await turn();
  expect(stopped).toBe(false);
  answer();
  await stopping;
  const before = asked;
  await sample();
  expect(asked).toBe(before);
});

test('stop after a provision that never came is no error', async () => {
  await sandozia().stop();
});

test('energy goes on over a restart, from the snapshots of the process before', async () => {
  const first = await appliance();
  const { clock, bus, ledger } = first.context;
  const power = { watts: 5, source: 'model' as const, estimated: true };
  const sampled = async (context: typeof first.context, joules: number) => {
    const energy = { joules, prompt_joules: 0, prompts: 0, tokens: 0 };
    const monotonic_ms = context.clock.monotonicMs();
    context.bus.publish('device.sampled', { wall_ms: 0, monotonic_ms, absent: [], power, energy });
    for (let n = 0; n < 5; n++) await turn();
  };
  for (let n = 1; n <= 4; n++) {
    clock.advance(300_000);
    await sampled(first.context, n * 1500);
  }
  expect(ledger.events.filter(({ type }) => type === 'snapshot_taken')).toHaveLength(4);
  await first.module.stop();
  expect(bus.subscriptions()).toBe(1);
  const second = createFakeContext({ parts: {} });
  second.ledger.events.push(...ledger.events);
  const module = sandozia();
  await module.provision(second);
  await module.start();
  await turn();
  // Its wall clock stands where the first one began: nothing was recorded in its future.
  await sampled(second, 0);
  const route = module.routes!().find(({ path }) => path === '/sandozia/energy')!;
  const { text } = (await route.handler({} as never)) as TextAnswer;
  expect(JSON.parse(text).last_hour).toMatchObject({ covers_ms: 1_200_000, joules: 6000, mean_watts: 5 });
});

test('a round that does not end is told, as nothing is compared meanwhile', async () => {
  const { context, module, sample, decide } = await appliance();
  let answer = () => {};
  context.ledger.query = () =>
    new Promise((resolve) => {
      answer = () => resolve([]);
    });
  await decide(await sample());
  await sample();
  context.clock.advance(30_000);
  expect(module.health().problem ?? '').not.toContain('round');
  context.clock.advance(1);
  expect(module.health()).toMatchObject({
    state: 'degraded',
    problem: expect.stringContaining('a round of the checks has not ended for 30 s'),
  });
  answer();
  await turn();
  expect(module.health().problem ?? '').not.toContain('round');
  await module.stop();
});
