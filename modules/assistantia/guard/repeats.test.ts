import { describe, expect, it } from 'vitest';
import { Repeats } from './repeats.js';

describe('Repeats', () => {
  it('lets a prompt through so often a minute, and says how long to wait', () => {
    const repeats = new Repeats(2);
    expect(repeats.take('a', ['x'], 0)).toBe(0);
    expect(repeats.take('a', ['x'], 10_000)).toBe(0);
    expect(repeats.take('a', ['x'], 15_000)).toBe(45_000);
    expect(repeats.take('a', ['x'], 59_999)).toBe(1);
    expect(repeats.take('a', ['x'], 60_000)).toBe(0);
  });

  it('tells clients and prompts apart', () => {
    const repeats = new Repeats(1);
    for (const [client, texts] of [
      ['a', ['x']],
      ['b', ['x']],
      ['a', ['y']],
      ['a', ['x', 'y']],
      ['a', ['xy']],
      ['a', []],
    ] as const)
      expect(repeats.take(client, texts, 0)).toBe(0);
    expect(repeats.take('a', ['x', 'y'], 0)).toBeGreaterThan(0);
  });

  it('has no limit at 0, and remembers a bounded number', () => {
    const none = new Repeats(0);
    for (let time = 0; time < 5; time++) expect(none.take('a', ['x'], 0)).toBe(0);
    const few = new Repeats(1);
    few.take('a', ['first'], 0);
    for (let prompt = 0; prompt < 4096; prompt++) few.take('a', [String(prompt)], 0);
    expect(few.take('a', ['first'], 0)).toBe(0);
    expect(few.take('a', ['4095'], 0)).toBeGreaterThan(0);
  });
});
