import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Thinned } from './thinned.js';

test('few values are all kept; many are thinned evenly, in their order, and stay bounded', () => {
  fc.assert(
    fc.property(fc.nat(3000), (length) => {
      const thinned = new Thinned<number>();
      for (let i = 0; i < length; i++) thinned.add(i);
      const { values } = thinned;
      if (length < 32) expect(values).toHaveLength(length);
      else expect(values.length).toBeGreaterThanOrEqual(16);
      expect(values.length).toBeLessThan(32);
      const apart = new Set(values.slice(1).map((value, i) => value - values[i]!));
      expect(apart.size).toBeLessThanOrEqual(1);
      if (length > 0) expect(values[0]).toBe(0);
    }),
  );
});
