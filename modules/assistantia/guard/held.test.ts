import { describe, expect, it } from 'vitest';
import { withExpiry } from './held.js';

/** A stream that gives what it is told to, when it is told to. */
class Stream implements AsyncIterable<string> {
  readonly #waiting: ((step: IteratorResult<string>) => void)[] = [];
  readonly #ready: IteratorResult<string>[] = [];
  closed = false;

  give(value: string): void {
    this.#put({ value, done: false });
  }

  end(): void {
    this.#put({ value: undefined, done: true });
  }

  #put(step: IteratorResult<string>): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#ready.push(step);
    else next(step);
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: () => {
        const step = this.#ready.shift();
        return step === undefined
          ? new Promise((resolve) => this.#waiting.push(resolve))
          : Promise.resolve(step);
      },
      return: async () => {
        this.closed = true;
        return { value: undefined, done: true };
      },
    };
  }
}

describe('withExpiry', () => {
  it('passes events on, and says when text has been held for too long', async () => {
    const stream = new Stream();
    const watch = { held: () => held };
    let held = { from: 0, count: 0 };
    let now = 0;
    const events = withExpiry(stream, watch, { holdMs: 5, nowMs: () => now });
    stream.give('a');
    expect((await events.next()).value).toBe('a');
    held = { from: 1, count: 3 };
    expect((await events.next()).value).toBe('expired');
    held = { from: 4, count: 0 };
    stream.give('b');
    expect((await events.next()).value).toBe('b');
    // Held from the same place: time goes on though events come.
    held = { from: 4, count: 1 };
    stream.give('c');
    expect((await events.next()).value).toBe('c');
    now = 100;
    stream.give('d');
    const two = [(await events.next()).value, (await events.next()).value];
    expect(two).toContain('d');
    held = { from: 9, count: 0 };
    stream.end();
    expect((await events.next()).done ?? false).toBe(true);
  });

  it('closes the stream when nobody listens any more', async () => {
    const stream = new Stream();
    stream.give('a');
    for await (const event of withExpiry(
      stream,
      { held: () => ({ from: 0, count: 0 }) },
      { holdMs: 5, nowMs: () => 0 },
    )) {
      expect(event).toBe('a');
      break;
    }
    expect(stream.closed).toBe(true);
  });
});
