import { expect, it } from 'vitest';
import { levels } from '../contracts/device.js';
import { limitsAt, shedAt } from './shed.js';

it('says exactly what the limits shed', () => {
  expect(levels.map((level) => [level, shedAt(level).length])).toEqual([
    ['normal', 0],
    ['light', 0],
    ['moderate', 1],
    ['heavy', 1],
    ['emergency', 2],
    ['survival', 1],
  ]);
});

it('never gives back what a milder level sheds', () => {
  for (const [index, level] of levels.slice(1).entries()) {
    const milder = limitsAt(levels[index] ?? 'normal');
    const limits = limitsAt(level);
    expect(limits.queueShare).toBeLessThanOrEqual(milder.queueShare);
    expect(Number(limits.models)).toBeLessThanOrEqual(Number(milder.models));
    expect(Number(limits.navigator)).toBeLessThanOrEqual(Number(milder.navigator));
  }
});
