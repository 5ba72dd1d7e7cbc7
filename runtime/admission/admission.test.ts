import { describe, expect, it } from 'vitest';
import type { Slot, WaitPlace } from '../contracts/admission.js';
import { systemClock } from '../contracts/clock.js';
import type { DegradationLevel } from '../contracts/device.js';
import { createAdmission } from './admission.js';
import { SimulatedTime } from './simulated-time.js';

function setUp({ slots = 1, queueMax = 4 } = {}) {
  const time = new SimulatedTime();
  const state: { level: DegradationLevel } = { level: 'normal' };
  const admission = createAdmission({
    engines: { model: { slots, queueMax }, navigator: { slots, queueMax } },
    level: () => state.level,
    clock: time.clock,
    setTimer: time.setTimer,
  });
  const admit = (
    client = 'anna',
    engine = 'model',
    deadlineMs = 1e6,
    signal = new AbortController().signal,
  ) => admission.admit(engine, { client, deadlineMs, signal });
  return { time, state, admission, admit };
}

describe('bad options', () => {
  it.each([
    [{ slots: 0, queueMax: 1 }, 'slots of x must be a whole number from 1, not 0'],
    [{ slots: 1.5, queueMax: 1 }, 'slots of x must be a whole number from 1, not 1.5'],
    [{ slots: 1, queueMax: -1 }, 'queueMax of x must be a whole number from 0, not -1'],
    [{ slots: 1, queueMax: Number.NaN }, 'queueMax of x must be a whole number from 0, not NaN'],
  ])('%j is refused', (capacity, message) => {
    const make = () =>
      createAdmission({ engines: { x: capacity }, level: () => 'normal', clock: systemClock });
    expect(make).toThrow(new RangeError(message));
  });

  it('an engine that does not exist is unavailable', async () => {
    await expect(setUp().admit('anna', 'nothing')).rejects.toMatchObject({ code: 'engine_unavailable' });
  });
});

describe('slots', () => {
  it('are given at once while free, and a release is counted once', async () => {
    const { admission, admit } = setUp({ slots: 2 });
    const [first] = [await admit(), await admit()];
    expect(admission.status().model).toEqual({ slots: 2, busy: 2, waiting: 0, waitingMax: 4 });
    first?.release();
    first?.release();
    expect(admission.status().model?.busy).toBe(1);
  });

  it('report how long each was held, once', async () => {
    const time = new SimulatedTime();
    const served: [string, number][] = [];
    const admission = createAdmission({
      engines: { model: { slots: 1, queueMax: 1 } },
      level: () => 'normal',
      clock: time.clock,
      setTimer: time.setTimer,
      onServed: (engine, tookMs) => served.push([engine, tookMs]),
    });
    const options = { client: 'anna', deadlineMs: 1e6, signal: new AbortController().signal };
    const slot = await admission.admit('model', options);
    const next = admission.admit('model', options);
    time.advance(40);
    slot.release();
    slot.release();
    time.advance(2);
    (await next).release();
    expect(served).toEqual([
      ['model', 40],
      ['model', 2],
    ]);
  });

  it('go to waiting clients by turns', async () => {
    const { admit } = setUp({ queueMax: 10 });
    const running = await admit('zoe');
    const order: string[] = [];
    const waiting = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map(async (name) => {
      const slot = await admit(name.charAt(0));
      order.push(name);
      slot.release();
    });
    running.release();
    await Promise.all(waiting);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('serve with real timers too', async () => {
    const admission = createAdmission({
      engines: { model: { slots: 1, queueMax: 1 } },
      level: () => 'normal',
      clock: systemClock,
    });
    const { signal } = new AbortController();
    const slot = await admission.admit('model', {
      client: 'a',
      deadlineMs: systemClock.monotonicMs() + 60_000,
      signal,
    });
    const late = admission.admit('model', { client: 'b', deadlineMs: systemClock.monotonicMs() + 5, signal });
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    slot.release();
    expect(admission.status().model).toMatchObject({ busy: 0, waiting: 0 });
  });
});

describe('who waits', () => {
  it('is refused when the deadline passes, not before', async () => {
    const { time, admission, admit } = setUp();
    await admit();
    const waiting = admit('ben', 'model', 50);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded' });
    time.advance(49);
    expect(admission.status().model?.waiting).toBe(1);
    time.advance(1);
    expect(admission.status().model?.waiting).toBe(0);
    await refused;
    await expect(admit('ben', 'model', 50)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('is refused with an estimate when the queue is full', async () => {
    const { time, admit } = setUp({ queueMax: 1 });
    const slot = await admit();
    time.advance(4000);
    slot.release();
    await admit();
    const waiting = admit('ben');
    await expect(admit('cleo')).rejects.toMatchObject({ code: 'queue_full', retryAfterMs: 8000 });
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting');
  });

  it('leaves when its signal aborts, and leaves no timer behind', async () => {
    const { time, admission, admit } = setUp();
    await admit();
    const gone = new AbortController();
    const waiting = admit('ben', 'model', 1e6, gone.signal);
    gone.abort(new Error('client gone'));
    await expect(waiting).rejects.toThrow('client gone');
    expect(admission.status().model?.waiting).toBe(0);
    expect(time.timers).toBe(0);
    await expect(admit('ben', 'model', 1e6, gone.signal)).rejects.toThrow('client gone');
  });

  it('waits longer than a timer can', async () => {
    const { time, admission, admit } = setUp();
    await admit();
    const waiting = admit('ben', 'model', 5_000_000_000);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded' });
    time.advance(4_999_999_999);
    expect(admission.status().model?.waiting).toBe(1);
    time.advance(1);
    await refused;
  });
});

describe('degradation', () => {
  it.each([
    ['normal', 5],
    ['light', 5],
    ['moderate', 3],
    ['heavy', 0],
  ] as const)('%s lets %d of 5 wait', (level, waitingMax) => {
    const { state, admission } = setUp({ queueMax: 5 });
    state.level = level;
    expect(admission.status().model?.waitingMax).toBe(waitingMax);
  });

  it.each([
    ['heavy', true, true],
    ['emergency', false, true],
    ['survival', false, false],
  ] as const)('%s: models %s, navigator %s', async (level, models, navigator) => {
    const { state, admit } = setUp();
    state.level = level;
    for (const [engine, served] of [
      ['model', models],
      ['navigator', navigator],
    ] as const) {
      const outcome = admit('anna', engine).then((slot) => typeof slot.release);
      if (served) expect(await outcome).toBe('function');
      else await expect(outcome).rejects.toMatchObject({ code: 'degraded' });
    }
  });

  it('refuses the newest of the longest line first when the bound shrinks', async () => {
    const { state, admission, admit } = setUp({ queueMax: 4 });
    const running = await admit();
    const outcomes: string[] = [];
    const waiting = ['a1', 'a2', 'a3', 'b1'].map((name) =>
      admit(name.charAt(0)).then(
        (slot: Slot) => {
          outcomes.push(`${name} started`);
          slot.release();
        },
        (error: { code: string }) => outcomes.push(`${name} ${error.code}`),
      ),
    );
    state.level = 'moderate';
    admission.levelChanged();
    running.release();
    await Promise.all(waiting);
    expect(outcomes.sort()).toEqual(['a1 started', 'a2 queue_full', 'a3 queue_full', 'b1 started']);
  });

  it('refuses who waits for a model in an emergency', async () => {
    const { state, admission, admit } = setUp();
    await admit();
    await admit('anna', 'navigator');
    const model = admit('ben');
    const navigator = admit('ben', 'navigator');
    state.level = 'emergency';
    admission.levelChanged();
    await expect(model).rejects.toMatchObject({ code: 'degraded' });
    // At this level nobody waits, so the navigator's line is shed as well.
    await expect(navigator).rejects.toMatchObject({ code: 'queue_full' });
  });
});

describe('close', () => {
  it('refuses who waits and who comes; what runs may finish', async () => {
    const { time, admission, admit } = setUp();
    const running = await admit();
    const waiting = admit('ben');
    admission.close();
    await expect(waiting).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(admit('cleo')).rejects.toMatchObject({ code: 'shutting_down' });
    running.release();
    expect(admission.status().model).toMatchObject({ busy: 0, waiting: 0 });
    expect(time.timers).toBe(0);
  });
});

describe('places and estimates', () => {
  it('tells who waits the turn that it will have, and the time from what was measured', async () => {
    const { time, admission } = setUp({ slots: 2, queueMax: 10 });
    const places: Record<string, () => WaitPlace> = {};
    const started: string[] = [];
    const admit = (client: string, name: string) =>
      admission
        .admit('model', {
          client,
          deadlineMs: 1e6,
          signal: new AbortController().signal,
          onWait: (place) => {
            places[name] = place;
          },
        })
        .then((slot) => {
          started.push(name);
          return slot;
        });
    const [first, second] = [await admit('x', 'x1'), await admit('x', 'x2')];
    expect(places).toEqual({});
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) void admit(name[0]!, name);
    const seen = () =>
      Object.fromEntries(Object.entries(places).map(([name, place]) => [name, place().position]));
    expect(seen()).toEqual({ a1: 1, b1: 2, c1: 3, a2: 4, a3: 5 });
    expect(places.a1!()).not.toHaveProperty('estimateMs');
    time.advance(1000);
    first.release();
    expect(places.b1!()).toEqual({ position: 1, estimateMs: 500 });
    expect(places.a3!()).toEqual({ position: 4, estimateMs: 2000 });
    second.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual(['x1', 'x2', 'a1', 'b1']);
    expect(places.c1!().position).toBe(1);
  });

  it('refuses at once who would start too late, with when to come back; others wait', async () => {
    const { time, admission, admit } = setUp({ slots: 1, queueMax: 10 });
    const slot = await admit();
    time.advance(1000);
    slot.release();
    const next = await admit();
    void admit('anna', 'model', time.nowMs + 5000);
    await expect(admit('ben', 'model', time.nowMs + 2000)).rejects.toMatchObject({
      code: 'queue_full',
      retryAfterMs: 2000,
      message: expect.stringContaining('deadline'),
    });
    expect(admission.status().model).toMatchObject({ waiting: 1 });
    next.release();
  });
});

describe('slots that an engine tells', () => {
  const limit = () => {
    const samples: unknown[] = [];
    return {
      samples,
      max: 3,
      now: () => 1,
      sample: (...sample: unknown[]) => samples.push(sample),
      figures: () => ({ longRttMs: 0, samples: 0, dropped: 0 }),
    };
  };

  it('count instead of what was learned, as far as the limit goes, and let who waits start', async () => {
    const adaptive = limit();
    const time = new SimulatedTime();
    const admission = createAdmission({
      engines: { model: { slots: adaptive, queueMax: 4 }, fixed: { slots: 2, queueMax: 0 } },
      level: () => 'normal',
      clock: time.clock,
      setTimer: time.setTimer,
    });
    const admit = () =>
      admission.admit('model', { client: 'a', deadlineMs: 1e6, signal: new AbortController().signal });
    const slots = [admit(), admit(), admit()];
    expect(admission.status().model).toMatchObject({
      slots: 1,
      busy: 1,
      waiting: 2,
      adaptive: expect.anything(),
    });
    admission.tellSlots('model', 8);
    expect(admission.status().model).toEqual({ slots: 3, busy: 3, waiting: 0, waitingMax: 4 });
    for (const slot of await Promise.all(slots)) slot.release('success');
    expect(adaptive.samples).toEqual([]);
    admission.tellSlots('model', undefined);
    expect(admission.status().model).toMatchObject({ slots: 1, adaptive: expect.anything() });
    admission.tellSlots('fixed', 7);
    expect(admission.status().fixed).toMatchObject({ slots: 2 });
    admission.tellSlots('nothing', 7);
  });
});
