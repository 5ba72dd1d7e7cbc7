import { describe, expect, it } from 'vitest';
import { decisions } from '../../core-wasm/score-types.js';
import { checkVectors, readVectors } from './check-vectors.js';

describe('recorded vectors', () => {
  it('WASM and TypeScript give the same bytes as the committed file', () => {
    expect(checkVectors(readVectors())).toEqual([]);
  });

  it('the file holds every decision, every kind of hold, and figures at their thresholds', () => {
    const { records } = readVectors();
    expect(records.length).toBeGreaterThanOrEqual(400);
    expect(new Set(records.map(({ result }) => result[0]))).toEqual(new Set(decisions));
    const reasons = new Set(records.flatMap(({ result }) => result[4]));
    for (const id of ['severity_critical', 'held_by_cooldown', 'held_cpu_above_80', 'temperature_from_70'])
      expect(reasons).toContain(id);
    for (const edge of [60, 80]) {
      const figures = records.map(({ input }) => input.cpu);
      expect(figures).toContain(edge);
      expect(figures.some((cpu) => cpu > edge && cpu < edge + 1e-10)).toBe(true);
    }
  });

  it('a changed bit is found', () => {
    const vectors = readVectors();
    vectors.records[3]!.result[1] *= 1 + Number.EPSILON;
    expect(checkVectors(vectors)).toHaveLength(2);
    vectors.digest.sha256 = vectors.digest.sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    expect(checkVectors(vectors)).toHaveLength(4);
  });
});
