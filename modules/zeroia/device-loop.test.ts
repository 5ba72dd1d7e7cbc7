import { expect, test } from 'vitest';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import { AppError } from '../../runtime/contracts/errors.js';
import type { NewEvent } from '../../runtime/contracts/ledger.js';
import { StateBook } from '../../runtime/recovery/state-book.js';
import { createFakeContext, type FakeContextOptions, ManualClock } from '../../test/support/fake-context.js';
import { Decider } from './decider.js';
import { DeviceLoop } from './device-loop.js';

function make(parts: FakeContextOptions['parts'] = {}) {
  const context = createFakeContext({ parts });
  const decider = new Decider(context.scorer, context.ledger, 16);
  const loop = new DeviceLoop(context, decider);
  loop.start();
  const sample = async (cpu: number, figures: Partial<DeviceSample> = {}) => {
    context.clock.advance(60_000);
    const taken: DeviceSample = {
      wall_ms: context.clock.wallMs(),
      monotonic_ms: context.clock.monotonicMs(),
      cpu,
      ram: 10,
      absent: [],
      ...figures,
    };
    context.bus.publish('device.sampled', taken);
    await loop.stop();
    loop.start();
  };
  const moves = () => context.ledger.events.filter(({ type }) => type === 'threshold_adjusted');
  return { context, decider, loop, sample, moves };
}

test('a move is an event of the device with old, new and why, and is in force afterwards', async () => {
  const { context, loop, sample, moves } = make();
  await sample(70);
  expect(moves()).toMatchObject([
    {
      stream: 'device',
      data: {
        figure: 'cpu',
        old: { monitor: 60, reduce: 80 },
        new: { monitor: 58.2, reduce: 77.6 },
        base: { monitor: 60, reduce: 80 },
        why: 'cpu_mean_above_60',
        mean: 70,
      },
    },
  ]);
  expect(loop.thresholds.cpu).toEqual({ monitor: 58.2, reduce: 77.6 });
  expect(context.ledger.events.map(({ type }) => type)).toEqual(['decision_made', 'threshold_adjusted']);
});

test('a threshold whose move cannot be recorded stays, and moves with the next sample', async () => {
  const { context, loop, sample, moves } = make();
  const { append } = context.ledger;
  context.ledger.append = async (event) => {
    if (event.type === 'threshold_adjusted') throw new AppError('ledger_unavailable', 'full');
    return append.call(context.ledger, event);
  };
  await sample(70);
  expect(loop.thresholds.cpu).toEqual({ monitor: 60, reduce: 80 });
  expect(loop.problem).toContain('full');
  context.ledger.append = append;
  await sample(70);
  expect(moves()).toHaveLength(1);
  expect(loop.problem).toBeUndefined();
});

test('the second decision is made from the first', async () => {
  const { context, sample } = make();
  await sample(85);
  await sample(10);
  expect(context.ledger.events.findLast(({ type }) => type === 'decision_made')?.data.input).toMatchObject({
    previous_decision: 'reduce_load',
    previous_age_ms: 60_000,
  });
});

test('posted measurements neither move a threshold nor become the previous decision of anything', async () => {
  const { decider, context, loop, sample, moves } = make();
  for (let i = 0; i < 50; i++) {
    context.clock.advance(60_000);
    const encoded = await decider.score({ cpu: 100, ram: 100, severity: 'critical' }, 'posted:someone');
    await decider.record(encoded, { stream: 'posted:someone' });
  }
  expect(loop.thresholds.cpu).toEqual({ monitor: 60, reduce: 80 });
  await sample(10);
  expect(moves()).toEqual([]);
  const input = context.ledger.events.at(-1)?.data.input;
  expect(input).toEqual({ cpu: 10, ram: 10, severity: 'normal' });
  expect(context.degradation.level()).toBe('normal');
});

test('a card that is full goes to survival though every decision is normal, and the reason names it', async () => {
  const { context, sample } = make();
  const heard: string[] = [];
  context.bus.subscribe('level.changed', ({ to, reason }) => heard.push(`${to}: ${reason}`));
  for (let i = 0; i < 3; i++) await sample(10, { disk: 99.8 });
  expect(context.degradation.level()).toBe('survival');
  expect(heard.at(-1)).toBe('survival: disk 99.8: no rule asks for more');
});

test('while the load cannot be read nothing is decided, heat and a full card still worsen the level, and nothing relieves it', async () => {
  const { context, loop, sample } = make();
  const blind = (figures: Partial<DeviceSample>) =>
    sample(10, { cpu: undefined, absent: ['cpu'], ...figures } as Partial<DeviceSample>);
  await blind({ temperature_c: 50 });
  expect(context.degradation.level()).toBe('normal');
  await blind({ temperature_c: 86 });
  expect(context.degradation.level()).toBe('emergency');
  for (let i = 0; i < 100; i++) await blind({ temperature_c: 50 });
  expect(context.degradation.level()).toBe('emergency');
  for (let i = 0; i < 3; i++) await blind({ disk: 99.8 });
  expect(context.degradation.level()).toBe('survival');
  expect(loop.problem).toContain('does not tell cpu');
  expect(context.ledger.events.filter(({ type }) => type === 'decision_made')).toEqual([]);
});

test('a throttled processor that the decision overlooks: recorded once, the worse view is acted on, a cycle says so', async () => {
  const { context, loop, sample } = make();
  const heard: unknown[] = [];
  context.bus.subscribe('contradiction.detected', ({ evidence }) => heard.push(evidence));
  await sample(10);
  await sample(10, { throttled: true });
  await sample(10, { throttled: true });
  expect(context.degradation.level()).toBe('moderate');
  const recorded = context.ledger.events.filter(({ type }) => type === 'contradiction_detected');
  expect(recorded.map(({ data }) => data)).toEqual([
    {
      check: 'reflexia_zeroia',
      fault: 'milder_than_observed',
      level: 'warning',
      evidence: expect.objectContaining({
        observed: 'reduce_load',
        rule: 'worse_view',
        acted: 'reduce_load',
      }),
    },
  ]);
  expect(heard).toHaveLength(1);
  expect(loop.cycles.status()).toMatchObject({
    count: 3,
    failed: 0,
    contradictions: 2,
    last: [
      { number: 1, decision: 'normal', acted: 'normal', contradiction: null },
      { number: 2, decision: 'normal', acted: 'reduce_load', level: 'moderate' },
      { number: 3, contradiction: 'milder_than_observed' },
    ],
  });
});

test('a cycle whose decision cannot be recorded has failed, and has acted all the same', async () => {
  const { context, loop, sample } = make();
  context.ledger.failure = new AppError('ledger_unavailable', 'the disk is full');
  await sample(95);
  expect(context.degradation.level()).toBe('moderate');
  expect(loop.cycles.status()).toMatchObject({
    failed: 1,
    last: [{ failure: expect.stringContaining('the disk is full'), level: 'moderate' }],
  });
});

test('in quarantine what was observed is acted on, and the decision recorded as ever; released, it decides again', async () => {
  const { context, sample } = make();
  // The published thresholds ask for nothing at 59 percent; the learned ones do.
  const { withOwn } = context.scorer;
  context.scorer.withOwn = (parameters) => {
    const score = withOwn(parameters);
    return (input, read) => score({ ...input, cpu: 70 }, read);
  };
  const held = new DeviceLoop(context, new Decider(context.scorer, context.ledger, 16));
  held.start();
  const acted = async () => {
    await sample(59);
    await held.stop();
    held.start();
    return held.cycles.status().last.at(-1)!;
  };
  expect(await acted()).toMatchObject({ decision: 'monitor', acted: 'monitor' });
  context.bus.publish('module.quarantined', { module: 'reflexia', fault: 'x' });
  expect(await acted()).toMatchObject({ acted: 'monitor' });
  context.bus.publish('module.quarantined', { module: 'zeroia', fault: 'figures_differ' });
  expect(await acted()).toMatchObject({ decision: 'monitor', acted: 'normal', failure: null });
  context.bus.publish('module.released', { module: 'zeroia' });
  expect(await acted()).toMatchObject({ decision: 'monitor', acted: 'monitor' });
});

test('samples of an observer in quarantine worsen the level and do not ease it', async () => {
  const { context, sample } = make();
  const isObserver = { module: 'reflexia' };
  context.bus.publish('module.quarantined', { ...isObserver, fault: 'time_went_back' });
  await sample(95);
  expect(context.degradation.level()).toBe('moderate');
  for (let minutes = 0; minutes < 30; minutes++) await sample(10);
  expect(context.degradation.level()).toBe('moderate');
  context.bus.publish('module.released', isObserver);
  await sample(10);
  expect(context.degradation.level()).toBe('moderate');
  await sample(10);
  expect(context.degradation.level()).toBe('light');
});

/** The real book on a file in memory. */
async function bookOn(file: { text?: string }) {
  const incidents: string[] = [];
  const events: NewEvent[] = [];
  const clock = new ManualClock();
  const book = await StateBook.open({
    storage: {
      read: async () => file.text,
      write: async (text) => {
        file.text = text;
      },
    },
    clock,
    probationMs: 600_000,
    openIncidents: () => [...incidents],
    restarted: undefined,
    record: (event) => events.push(event),
    onError: (error) => {
      throw error;
    },
  });
  return { book, clock, incidents, events };
}

test('a move that makes health worse is undone without a restart and recorded, and not tried again for an hour', async () => {
  const { book, clock, incidents, events } = await bookOn({});
  const { loop, sample, moves } = make({ states: book });
  await sample(70);
  await sample(70);
  expect(loop.thresholds.cpu).toEqual({ monitor: 56.4, reduce: 75.2 });
  incidents.push('inc-1');
  await book.look();
  await loop.stop();
  loop.start();
  expect(loop.thresholds.cpu).toEqual({ monitor: 60, reduce: 80 });
  expect(events).toMatchObject([{ type: 'state_rolled_back', data: { state: 'zeroia.thresholds' } }]);
  expect(moves().at(-1)?.data).toMatchObject({
    figure: 'cpu',
    old: { monitor: 56.4, reduce: 75.2 },
    new: { monitor: 60, reduce: 80 },
    why: 'undone: the incident inc-1 was opened during its probation',
  });
  for (let n = 0; n < 10; n++) await sample(70);
  expect(moves()).toHaveLength(3);
  expect(loop.thresholds.cpu).toEqual({ monitor: 60, reduce: 80 });
  clock.advance(3_600_000);
  await sample(70);
  expect(loop.thresholds.cpu).toEqual({ monitor: 58.2, reduce: 77.6 });
});

test('one that does not is kept, and so the next process begins with it', async () => {
  const file = {};
  const first = await bookOn(file);
  const one = make({ states: first.book });
  await one.sample(70);
  first.clock.advance(600_000);
  await first.book.look();
  const again = make({ states: (await bookOn(file)).book });
  expect(again.loop.thresholds.cpu).toEqual({ monitor: 58.2, reduce: 77.6 });
});

test('what is undone holds also where it cannot be recorded, and while a move is under way', async () => {
  const { book, incidents } = await bookOn({});
  const { context, loop, sample } = make({ states: book });
  await sample(70);
  const { append } = context.ledger;
  context.ledger.append = async (event) => {
    if (event.type !== 'threshold_adjusted') return append.call(context.ledger, event);
    // The undoing comes between what the move was reckoned from and its end.
    incidents.push(`inc-${incidents.length}`);
    await book.look();
    return append.call(context.ledger, event);
  };
  await sample(70);
  context.ledger.append = () => Promise.reject(new AppError('ledger_unavailable', 'full'));
  await loop.stop();
  expect(loop.thresholds.cpu).toEqual({ monitor: 60, reduce: 80 });
  expect(book.status()).toMatchObject([{ on_probation: 0, why: 'nothing was learned yet' }]);
});
