import { describe, expect, it } from 'vitest';
import { Core, coreModule, RecordedCore } from './index.js';
import { memoryPages } from './memory-pages.js';
import { referenceScore } from './reference/scoring.js';
import type { ScoreInput } from './score-types.js';

const { bytes, sha256 } = coreModule();
const core = Core.create();
const base = [...core.slab.parameters.values];

describe('a recorded core', () => {
  it('scores more inputs than a slab holds, and refuses those out of bounds alone', () => {
    const recorded = new RecordedCore(bytes);
    expect(recorded.sha256).toBe(sha256);
    const inputs = Array.from({ length: 5000 }, (_, i): ScoreInput => {
      return { cpu: i === 4500 ? Number.NaN : i % 101, ram: (i * 7) % 101, severity: 'low' };
    });
    const { version, results } = recorded.score(base, inputs);
    expect(version).toBe(core.identity.weights_version);
    expect(results).toHaveLength(5000);
    expect(results[4500]).toEqual({ refused: 'cpu must be a number from 0 to 100, not NaN' });
    for (const [i, input] of inputs.entries()) {
      if (i !== 4500) expect(results[i]).toStrictEqual({ score: referenceScore(input) });
    }
  });

  it('scores with the parameters that it is given, and no longer than for that call', () => {
    const recorded = new RecordedCore(bytes);
    const input: ScoreInput = { cpu: 75, ram: 0, severity: 'none' };
    const lower = [...base];
    lower[core.layout.PARAM_CPU_REDUCE / 8] = 70;
    const made = (values: number[]) => recorded.score(values, [input]).results[0];
    expect(made(lower)).toMatchObject({ score: { decision: 'reduce_load', reasons: ['cpu_above_70'] } });
    expect(made(base)).toMatchObject({ score: { decision: 'monitor' } });
    expect(recorded.score(lower, [input]).version).not.toBe(core.identity.weights_version);
  });

  it('refuses the inputs at which the module stops, and scores the others', () => {
    const heavy = [...base];
    // Without weight for what is always present, a record of nothing else has no weights at all.
    heavy[1] = 0;
    heavy[3] = 0;
    const bare: ScoreInput = { cpu: 1, ram: 1, severity: 'none' };
    const { results } = new RecordedCore(bytes).score(heavy, [bare, { ...bare, errorRate: 0.25 }, bare]);
    expect(results).toMatchObject([
      { refused: expect.stringContaining('stopped at the assertion') },
      { score: { confidence: 0.75 } },
      { refused: expect.stringContaining('stopped at the assertion') },
    ]);
  });

  it.each([[base.slice(1)], [[...base, 0]], [base.map(() => Number.NaN)], [[]]])(
    'refuses what is no parameter block',
    (values) => {
      expect(() => new RecordedCore(bytes).score(values, [])).toThrow(
        'a parameter block has 30 finite numbers',
      );
    },
  );

  it('refuses what is no module of the hot core', () => {
    expect(() => new RecordedCore(new Uint8Array(0))).toThrow('the module imports no memory');
    expect(() => new RecordedCore(bytes.subarray(0, 40))).toThrow();
    const foreign = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]);
    expect(() => new RecordedCore(foreign)).toThrow('the module imports no memory');
    // (module (import "e" "m" (memory 1 2)))
    const unshared = [...foreign, 2, 9, 1, 1, 101, 1, 109, 2, 1, 1, 2];
    expect(() => new RecordedCore(Uint8Array.from(unshared))).toThrow('not shared and of a fixed size');
    // (module (import "env" "memory" (memory 1 1 shared))): nothing of ours in it.
    const name = (text: string) => [text.length, ...Buffer.from(text)];
    const body = [1, ...name('env'), ...name('memory'), 2, 3, 1, 1];
    const empty = [...foreign, 2, body.length, ...body];
    expect(() => new RecordedCore(Uint8Array.from(empty))).toThrow('does not export the constant');
  });

  it('knows the size of the memory from the bytes', () => {
    expect(memoryPages(bytes)).toBe(core.layout.MEMORY_PAGES);
  });
});
