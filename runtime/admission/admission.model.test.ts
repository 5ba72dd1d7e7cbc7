import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Slot } from '../contracts/admission.js';
import { type DegradationLevel, levels } from '../contracts/device.js';
import { limitsAt } from '../kernel/degradation-services.js';
import { createAdmission } from './admission.js';
import { SimulatedTime } from './simulated-time.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
if (long) vi.setConfig({ testTimeout: 600_000 });

/**
 * Random histories against a plain model: lists that are searched and spliced. Both must agree after each step on
 * who runs, who waits and who was refused with what.
 */
type Step =
  | { do: 'admit'; client: string; patienceMs: number }
  | { do: 'release' | 'abort'; pick: number }
  | { do: 'release twice'; pick: number }
  | { do: 'advance'; ms: number }
  | { do: 'level'; level: DegradationLevel }
  | { do: 'close' };

const pick = fc.nat(50);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 150,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      client: fc.constantFrom('a', 'b', 'c'),
      patienceMs: fc.integer({ min: -5, max: 400 }),
    }),
  },
  { weight: 20, arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'abort' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release twice' as const), pick }) },
  { weight: 15, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(150) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('level' as const), level: fc.constantFrom(...levels) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'close' as const }) },
);

interface Job {
  id: number;
  client: string;
  deadlineMs: number;
  startedMs?: number;
}

class Model {
  running: Job[] = [];
  /** Clients in the order of their turns, each with its jobs. */
  ring: { client: string; jobs: Job[] }[] = [];
  outcomes = new Map<number, string>();
  serviceMs: number | undefined;
  level: DegradationLevel = 'normal';
  closed = false;
  readonly slots: number;
  readonly queueMax: number;

  constructor(slots: number, queueMax: number) {
    this.slots = slots;
    this.queueMax = queueMax;
  }

  get waiting(): Job[] {
    return this.ring.flatMap(({ jobs }) => jobs);
  }

  get waitingMax(): number {
    return Math.ceil(this.queueMax * limitsAt(this.level).queueShare);
  }

  admit(job: Job, nowMs: number): void {
    if (this.closed) this.outcomes.set(job.id, 'shutting_down');
    else if (!limitsAt(this.level).models) this.outcomes.set(job.id, 'degraded');
    else if (nowMs >= job.deadlineMs) this.outcomes.set(job.id, 'deadline_exceeded');
    else if (this.running.length < this.slots) this.start(job, nowMs);
    else if (this.waiting.length >= this.waitingMax) this.outcomes.set(job.id, 'queue_full');
    else if (nowMs + this.waitMs(job) >= job.deadlineMs) this.outcomes.set(job.id, 'queue_full');
    else this.join(this.ring, job);
  }

  join(ring: Model['ring'], job: Job): void {
    const place = ring.find(({ client }) => client === job.client);
    if (place) place.jobs.push(job);
    else ring.push({ client: job.client, jobs: [job] });
  }

  /** Plays the turns until the job's own. */
  waitMs(job: Job): number {
    if (this.serviceMs === undefined) return 0;
    const ring = this.ring.map(({ client, jobs }) => ({ client, jobs: [...jobs] }));
    this.join(ring, job);
    for (let position = 1; ; position++) {
      const place = ring.shift()!;
      if (place.jobs.shift() === job) return Math.ceil((this.serviceMs * position) / this.slots);
      if (place.jobs.length > 0) ring.push(place);
    }
  }

  start(job: Job, nowMs: number): void {
    job.startedMs = nowMs;
    this.running.push(job);
    this.outcomes.set(job.id, 'started');
  }

  remove(job: Job, outcome: string): void {
    this.outcomes.set(job.id, outcome);
    for (const place of this.ring) place.jobs = place.jobs.filter(({ id }) => id !== job.id);
    this.ring = this.ring.filter(({ jobs }) => jobs.length > 0);
  }

  release(job: Job, nowMs: number): void {
    const tookMs = nowMs - job.startedMs!;
    this.serviceMs = this.serviceMs === undefined ? tookMs : this.serviceMs + 0.2 * (tookMs - this.serviceMs);
    this.running = this.running.filter(({ id }) => id !== job.id);
    const place = this.ring.shift();
    const next = place?.jobs.shift();
    if (place && place.jobs.length > 0) this.ring.push(place);
    if (next) this.start(next, nowMs);
  }

  expire(nowMs: number): void {
    for (const job of this.waiting) if (job.deadlineMs <= nowMs) this.remove(job, 'deadline_exceeded');
  }

  levelChanged(): void {
    if (!limitsAt(this.level).models) for (const job of this.waiting) this.remove(job, 'degraded');
    while (this.waiting.length > this.waitingMax) {
      const most = Math.max(...this.ring.map(({ jobs }) => jobs.length));
      const newest = this.ring.findLast(({ jobs }) => jobs.length === most)?.jobs.at(-1);
      if (newest) this.remove(newest, 'queue_full');
    }
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function run(slots: number, queueMax: number, steps: Step[]): Promise<void> {
  const time = new SimulatedTime();
  const model = new Model(slots, queueMax);
  const admission = createAdmission({
    engines: { model: { slots, queueMax } },
    level: () => model.level,
    clock: time.clock,
    setTimer: time.setTimer,
  });
  const given = new Map<number, Slot>();
  const outcomes = new Map<number, string>();
  const signals = new Map<number, AbortController>();

  const act: { [K in Step['do']]: (step: Extract<Step, { do: K }>) => void } = {
    admit({ client, patienceMs }) {
      const job = { id: signals.size, client, deadlineMs: time.nowMs + patienceMs };
      const controller = new AbortController();
      signals.set(job.id, controller);
      model.admit(job, time.nowMs);
      admission.admit('model', { client, deadlineMs: job.deadlineMs, signal: controller.signal }).then(
        (slot) => {
          given.set(job.id, slot);
          outcomes.set(job.id, 'started');
        },
        (error: { code?: string }) => outcomes.set(job.id, error.code ?? 'aborted'),
      );
    },
    release: ({ pick }) => release(pick, 1),
    'release twice': ({ pick }) => release(pick, 2),
    abort({ pick }) {
      const job = model.waiting[pick % Math.max(1, model.waiting.length)];
      if (job === undefined) return;
      model.remove(job, 'aborted');
      signals.get(job.id)?.abort({});
    },
    advance({ ms }) {
      time.advance(ms);
      model.expire(time.nowMs);
    },
    level({ level }) {
      model.level = level;
      model.levelChanged();
      admission.levelChanged();
    },
    close() {
      model.closed = true;
      for (const job of model.waiting) model.remove(job, 'shutting_down');
      admission.close();
    },
  };
  const release = (pick: number, times: number) => {
    const job = model.running[pick % Math.max(1, model.running.length)];
    if (job === undefined) return;
    model.release(job, time.nowMs);
    for (let time = 0; time < times; time++) given.get(job.id)?.release();
  };

  for (const step of steps) {
    (act[step.do] as (step: Step) => void)(step);
    await settled();
    expect(outcomes).toEqual(model.outcomes);
    expect(admission.status().model).toEqual({
      slots,
      busy: model.running.length,
      waiting: model.waiting.length,
      waitingMax: model.waitingMax,
    });
    expect(time.timers).toBe(model.waiting.length);
  }
  while (model.running.length > 0) {
    release(0, 1);
    await settled();
  }
  time.advance(1000);
  await settled();
  // Nothing is lost: every prompt had an outcome, and no slot or timer is left behind.
  expect(outcomes.size).toBe(signals.size);
  expect(admission.status().model).toMatchObject({ busy: 0, waiting: 0 });
  expect(time.timers).toBe(0);
}

it('agrees with the model on every history', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 6 }),
      fc.array(step, { maxLength: 60 }),
      run,
    ),
    { numRuns: long ? 2000 : 150 },
  );
});

it('lets no client wait for more than one prompt of each other client', async () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(lines, async (clients) => {
      const time = new SimulatedTime();
      const admission = createAdmission({
        engines: { model: { slots: 1, queueMax: 40 } },
        level: () => 'normal',
        clock: time.clock,
        setTimer: time.setTimer,
      });
      const signal = () => new AbortController().signal;
      const first = await admission.admit('model', { client: 'x', deadlineMs: 1e9, signal: signal() });
      const order: string[] = [];
      const all = clients.map(async (client) => {
        const slot = await admission.admit('model', { client, deadlineMs: 1e9, signal: signal() });
        order.push(client);
        slot.release();
      });
      first.release();
      await Promise.all(all);
      for (const client of new Set(clients)) {
        const places = order.flatMap((name, place) => (name === client ? [place] : []));
        for (const [index, place] of places.entries()) {
          const between = order.slice((places[index - 1] ?? -1) + 1, place);
          expect(new Set(between).size).toBe(between.length);
        }
      }
      expect(order.toSorted()).toEqual(clients.toSorted());
    }),
    { numRuns: 100 },
  );
});
