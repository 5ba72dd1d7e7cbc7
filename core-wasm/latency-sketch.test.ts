import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Core } from './index.js';
import type { LatencySketch } from './latency-sketch.js';
import { ReferenceSketch } from './reference/sketch.js';
import { createGate, runThreads } from './testing/run-threads.js';
import type { SketchThreadTask } from './testing/sketch-thread.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
if (long) vi.setConfig({ testTimeout: 600_000 });
const numRuns = long ? 100_000 : 2000;
const inRange = { min: 2 ** -10, max: 2 ** 22, maxExcluded: true, noNaN: true };
const time = fc.oneof(
  fc.double(inRange),
  fc.double({ min: 0.01, max: 50, noNaN: true }),
  // Edges of buckets, and their neighbours.
  fc
    .tuple(fc.integer({ min: -10, max: 21 }), fc.integer({ min: 64, max: 127 }), fc.constantFrom(0, 1, -1))
    .map(([exponent, part, aside]) => (part / 64) * 2 ** exponent * (1 + aside * 2 ** -52))
    .filter((ms) => ms >= 2 ** -10),
);
const anyTime = fc.oneof(
  { weight: 6, arbitrary: time },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 2 ** 38, maxExcluded: true, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 5e-324, 2 ** -10, 2 ** 22, 2 ** 38 - 2 ** -14) },
);

let core = Core.create();
function take(): LatencySketch {
  const sketch = core.sketches.take();
  if (sketch !== undefined) return sketch;
  core = Core.create();
  return take();
}

/** The counts of a sketch by bucket, as they stand in the memory. */
function countsOf(sketch: LatencySketch): Map<number, number> {
  const { SKETCH_FIRST, SKETCH_BYTES, SKETCH_BUCKETS, SKETCH_BUCKET_COUNT } = core.layout;
  const from = SKETCH_FIRST + sketch.index * SKETCH_BYTES + SKETCH_BUCKETS;
  const words = new Uint32Array(core.share.memory.buffer, from, 2 * SKETCH_BUCKET_COUNT);
  const counts = new Map<number, number>();
  words.forEach((word, at) => {
    if (word > 0) counts.set(at >> 1, word);
  });
  return counts;
}

const byBucket = (counts: Map<number, number>) => [...counts].sort(([a], [b]) => a - b);

describe('latency sketch', () => {
  it('agrees with the reference on every history, merges included', () => {
    fc.assert(
      fc.property(
        fc.array(anyTime, { maxLength: 60 }),
        fc.array(anyTime, { maxLength: 20 }),
        (one, other) => {
          const [sketch, second] = [take(), take()];
          const [twin, secondTwin] = [new ReferenceSketch(), new ReferenceSketch()];
          for (const [times, into, intoTwin] of [
            [one, sketch, twin],
            [other, second, secondTwin],
          ] as const) {
            for (const ms of times) {
              into.add(ms);
              intoTwin.add(ms);
            }
          }
          if (second.index === 0) return;
          sketch.merge(second);
          twin.merge(secondTwin);
          expect(byBucket(countsOf(sketch))).toEqual(byBucket(twin.counts));
          const { count, sumMs, maxMs } = sketch.snapshot();
          expect({ count, sumMs, maxMs }).toEqual({
            count: one.length + other.length,
            sumMs: twin.sumMs,
            maxMs: Math.max(0, ...one, ...other),
          });
          expect(twin.maxMs).toBe(maxMs);
        },
      ),
      { numRuns },
    );
  });

  it('gives quantiles within 1/129 of the exact ones', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 200 }), (times) => {
        const sketch = take();
        for (const ms of times) sketch.add(ms);
        const snapshot = sketch.snapshot();
        const sorted = [...times].sort((a, b) => a - b);
        for (const q of [0, 0.25, 0.5, 0.9, 0.99, 0.999, 1]) {
          const exact = sorted[Math.floor(q * (sorted.length - 1))]!;
          const error = Math.abs(snapshot.quantile(q)! - exact) / exact;
          // One unit in the last place for the rounding of the estimate itself.
          expect(error).toBeLessThanOrEqual((1 / 129) * (1 + 1e-12));
        }
      }),
      { numRuns },
    );
  });

  it('merging is the union, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.array(time, { maxLength: 30 }), { minLength: 1, maxLength: 4 }), (parts) => {
        const own = Core.create();
        const next = () => own.sketches.take()!;
        const [all, merged, reversed] = [next(), next(), next()];
        const sketches = parts.map((times) => {
          const sketch = next();
          for (const ms of times) {
            sketch.add(ms);
            all.add(ms);
          }
          return sketch;
        });
        for (const sketch of sketches) merged.merge(sketch);
        for (const sketch of sketches.reverse()) reversed.merge(sketch);
        const plus = sketches.map((sketch) => sketch.snapshot()).reduce((sum, part) => sum.plus(part));
        for (const q of [0, 0.5, 0.99, 1]) {
          const expected = all.snapshot().quantile(q);
          expect([merged, reversed].map((sketch) => sketch.snapshot().quantile(q))).toEqual([
            expected,
            expected,
          ]);
          expect(plus.quantile(q)).toBe(expected);
        }
        expect(
          [merged.snapshot(), reversed.snapshot(), plus].map(({ count, sumMs, maxMs }) => [
            count,
            sumMs,
            maxMs,
          ]),
        ).toEqual(
          Array.from({ length: 3 }, () => {
            const { count, sumMs, maxMs } = all.snapshot();
            return [count, sumMs, maxMs];
          }),
        );
      }),
      { numRuns: long ? 2000 : 100 },
    );
  });

  it('counts exactly what is below an edge, and what came after an earlier snapshot', () => {
    const sketch = take();
    for (const ms of [0, 0.5, 0.999, 1, 2.4, 2.5, 2.6, 99, 100, 101]) sketch.add(ms);
    const before = sketch.snapshot();
    expect(before.countsBelow([1, 2.5, 100, 250])).toEqual([3, 5, 8, 10]);
    for (const ms of [7, 7, 8]) sketch.add(ms);
    const since = sketch.snapshot().minus(before);
    expect([since.count, since.countsBelow([7.5, 9])]).toEqual([3, [2, 3]]);
    expect(since.sumMs).toBeCloseTo(22, 10);
    expect(since.quantile(0.5)).toBeCloseTo(7, 0);
  });

  it('clamps what is shorter or longer than its range, and reports no more than the maximum', () => {
    const sketch = take();
    expect(sketch.snapshot().quantile(0.5)).toBeUndefined();
    sketch.add(0);
    expect(sketch.snapshot().quantile(1)).toBe(0);
    sketch.add(2 ** 30);
    expect(sketch.snapshot().quantile(1)).toBeCloseTo(2 ** 22, -6);
    expect(sketch.snapshot().maxMs).toBe(2 ** 30);
  });

  it('refuses what is no latency, no quantile and no sketch', () => {
    const sketch = take();
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 38]) {
      expect(() => sketch.add(ms)).toThrow(RangeError);
    }
    for (const q of [-0.1, 1.1, Number.NaN]) expect(() => sketch.snapshot().quantile(q)).toThrow(RangeError);
    expect(() => sketch.merge(sketch)).toThrow('a sketch cannot be merged into itself');
    const own = Core.create();
    expect(() => own.sketches.at(0)).toThrow('there is no latency sketch 0');
    for (let i = 0; i < own.sketches.sketches; i++) expect(own.sketches.take()?.index).toBe(i);
    expect(own.sketches.take()).toBeUndefined();
    expect(own.sketches.at(62).snapshot().count).toBe(0);
  });

  it('ends within the memory and does not overlap', () => {
    const { SKETCH_FIRST, SKETCH_COUNT, SKETCH_BYTES, SKETCH_BUCKETS, SKETCH_BUCKET_COUNT } = core.layout;
    expect(SKETCH_FIRST + SKETCH_COUNT * SKETCH_BYTES).toBeLessThanOrEqual(
      core.share.memory.buffer.byteLength,
    );
    expect(SKETCH_BUCKETS + 8 * SKETCH_BUCKET_COUNT).toBeLessThanOrEqual(SKETCH_BYTES);
  });
});

it('loses no time that several threads add and merge at once', async () => {
  const own = Core.create();
  const threads = 3;
  const [shared, merged] = [own.sketches.take()!, own.sketches.take()!];
  const gate = createGate();
  const tasks = Array.from({ length: threads }, (_, thread): SketchThreadTask => {
    const times = Array.from({ length: long ? 400_000 : 40_000 }, (_, i) => ((i * 7 + thread) % 1000) / 8);
    const sketch = own.sketches.take()!;
    return {
      share: own.share,
      shared: shared.index,
      own: sketch.index,
      merged: merged.index,
      times,
      threads,
      gate,
    };
  });
  await runThreads(new URL('./testing/sketch-thread.js', import.meta.url), tasks);
  const twin = new ReferenceSketch();
  for (const { times } of tasks) for (const ms of times) twin.add(ms);
  for (const sketch of [shared, merged]) {
    const { count, sumMs, maxMs } = sketch.snapshot();
    expect({ count, sumMs, maxMs }).toEqual({
      count: tasks.reduce((sum, { times }) => sum + times.length, 0),
      sumMs: twin.sumMs,
      maxMs: twin.maxMs,
    });
  }
});
