import { describe, expect, it } from 'vitest';
import { PressureQueue } from './queue.js';

describe('PressureQueue', () => {
  it('delivers in order, to one who waits and one who comes later', async () => {
    const queue = new PressureQueue<number>(10, () => {});
    const first = queue.next();
    queue.push(1);
    queue.push(2);
    queue.end();
    expect([await first, await queue.next(), await queue.next(), await queue.next()]).toEqual([
      1,
      2,
      undefined,
      undefined,
    ]);
  });

  it('gives what is queued before the error, and nothing that came after it', async () => {
    const queue = new PressureQueue<number>(10, () => {});
    queue.push(1);
    queue.end(new Error('over'));
    queue.push(2);
    expect(await queue.next()).toBe(1);
    await expect(queue.next()).rejects.toThrow('over');
  });

  it('fails one who waits', async () => {
    const queue = new PressureQueue<number>(10, () => {});
    const waiting = queue.next();
    queue.end(new Error('over'));
    await expect(waiting).rejects.toThrow('over');
  });

  it('presses once above the mark and lets go at half of it', async () => {
    const pressure: boolean[] = [];
    const queue = new PressureQueue<number>(4, (pressed) => pressure.push(pressed));
    for (let i = 0; i < 8; i += 1) queue.push(i);
    expect(pressure).toEqual([true]);
    for (let i = 0; i < 5; i += 1) await queue.next();
    expect(pressure).toEqual([true]);
    await queue.next();
    expect(pressure).toEqual([true, false]);
  });

  it('joins what waits with what comes behind it, where they go together, and nothing with what was taken', async () => {
    const pressure: boolean[] = [];
    const joined = (last: string, item: string) => (last.length + item.length > 4 ? undefined : last + item);
    const queue = new PressureQueue<string>(2, (pressed) => pressure.push(pressed), joined);
    const first = queue.next();
    for (const item of ['a', 'b', 'c', 'dd', 'eee', 'ffff', 'gggg']) queue.push(item);
    queue.end();
    expect(await first).toBe('a');
    const rest: (string | undefined)[] = [];
    do rest.push(await queue.next());
    while (rest.at(-1) !== undefined);
    expect(rest).toEqual(['bcdd', 'eee', 'ffff', 'gggg', undefined]);
    expect(pressure).toEqual([true, false]);
  });
});
