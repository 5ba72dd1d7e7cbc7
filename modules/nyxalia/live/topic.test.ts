import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Topic, type TopicListener } from './topic.js';

class Reader implements TopicListener {
  readonly read: Record<string, unknown>[] = [];
  deliver(_: Topic, text: string): void {
    this.read.push(JSON.parse(text) as Record<string, unknown>);
  }
}
const parsed = (texts: string[]) => texts.map((text) => JSON.parse(text) as Record<string, unknown>);

describe('a topic of events', () => {
  const make = () => new Topic({ name: 'device', kept: 3, snapshot: () => 'now' });

  test('begins with a snapshot, then tells every listener', () => {
    const topic = make();
    const [a, b] = [new Reader(), new Reader()];
    expect(parsed(topic.add(a, undefined))).toEqual([
      { type: 'snapshot', topic: 'device', id: 0, data: 'now' },
    ]);
    topic.add(b, undefined);
    topic.publish(1);
    expect(a.read).toEqual([{ type: 'event', topic: 'device', id: 1, data: 1 }]);
    expect(b.read).toEqual(a.read);
    topic.remove(a);
    topic.publish(2);
    expect([a.read.length, b.read.length]).toEqual([1, 2]);
  });

  test('tells what was missed as long as all of it is kept, else a snapshot; nothing to whom misses nothing', () => {
    const topic = make();
    for (let i = 1; i <= 5; i++) topic.publish(i);
    const since = (position: number) =>
      parsed(topic.add(new Reader(), position)).map(({ type, id }) => [type, id]);
    expect(since(5)).toEqual([]);
    expect(since(3)).toEqual([
      ['event', 4],
      ['event', 5],
    ]);
    expect(since(2)).toEqual([
      ['event', 3],
      ['event', 4],
      ['event', 5],
    ]);
    expect(since(1)).toEqual([['snapshot', 5]]);
    expect(since(9)).toEqual([['snapshot', 5]]);
  });
});

describe('a topic of a state', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('is looked at only while somebody listens, and says only what changed', () => {
    let state = 1;
    let looks = 0;
    const topic = new Topic({
      name: 'queue',
      kept: 0,
      lookMs: 100,
      snapshot: () => {
        looks += 1;
        return { state };
      },
    });
    vi.advanceTimersByTime(1000);
    expect(looks).toBe(0);
    const reader = new Reader();
    expect(parsed(topic.add(reader, undefined))).toMatchObject([{ type: 'snapshot', data: { state: 1 } }]);
    vi.advanceTimersByTime(500);
    expect(reader.read).toEqual([]);
    state = 2;
    vi.advanceTimersByTime(100);
    expect(reader.read).toMatchObject([{ type: 'event', data: { state: 2 } }]);
    topic.remove(reader);
    const before = looks;
    vi.advanceTimersByTime(1000);
    expect([looks - before, topic.listeners]).toEqual([0, 0]);
  });

  test('a client that comes back reads the state again only if it changed meanwhile', () => {
    let state = 1;
    const topic = new Topic({ name: 'queue', kept: 0, lookMs: 100, snapshot: () => state });
    const reader = new Reader();
    const [opening] = parsed(topic.add(reader, undefined));
    const at = opening?.id as number;
    topic.remove(reader);
    expect(topic.add(reader, at)).toEqual([]);
    topic.remove(reader);
    state = 2;
    expect(parsed(topic.add(reader, at))).toMatchObject([{ type: 'snapshot', data: 2 }]);
  });
});
