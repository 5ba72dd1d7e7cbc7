import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventQuery, Ledger, StoredEvent } from '../../runtime/contracts/ledger.js';
import { joinedLists, type SessionList } from '../../runtime/contracts/session-list.js';
import { KeptSessions } from './kept-sessions.js';

type Said = { event: StoredEvent; texts: Record<string, string> };
const { signal } = new AbortController();

/** Events in memory, of which texts can be erased and the oldest pruned. */
class Recorded implements Pick<Ledger, 'query' | 'texts' | 'append'> {
  readonly said: Said[] = [];
  minimum = 0;
  /** Events whose texts were asked for. */
  read = 0;

  add(type: string, texts: Record<string, string> = {}, module = 'assistantia'): this {
    const index = this.said.length;
    const data = { engine: 'navigator', model: 'navigator', finish_reason: 'stop', took_ms: 1, rules: ['r'] };
    const event = { ...{ index, type, module, stream: null, correlation_id: null, boot_id: 'b', v: 1 } };
    const times = { time_ms: 1000 + index, monotonic_ms: index };
    this.said.push({ event: { ...event, ...times, data, commitments: {}, leaf_hash: `${index}` }, texts });
    return this;
  }

  turn(session: string, owner?: string, prompt = `asked ${this.said.length}`): this {
    return this.add('chat_answered', { session, prompt, answer: 'aye', ...key(owner) });
  }

  refused(session: string, owner?: string): this {
    return this.add('prompt_refused', { session, prompt: `refused ${this.said.length}`, ...key(owner) });
  }

  named(session: string, title: string, owner?: string): this {
    return this.add('session_named', { session, title, ...key(owner) });
  }

  erase(session: string, owner?: string): void {
    for (const one of this.said) if (one.texts.session === session && one.texts.key === owner) one.texts = {};
  }

  async query({ module, until = Number.MAX_SAFE_INTEGER, limit }: EventQuery): Promise<StoredEvent[]> {
    return this.said
      .slice(this.minimum)
      .map(({ event }) => event)
      .filter((event) => event.module === module && event.index <= until)
      .reverse()
      .slice(0, limit);
  }

  async texts(indexes: readonly number[]): Promise<Record<string, string>[]> {
    this.read += indexes.length;
    return indexes.map((index) => (index < this.minimum ? {} : this.said[index]!.texts));
  }

  append(): never {
    throw new Error('nothing is recorded here');
  }
}

const key = (owner: string | undefined): Record<string, string> =>
  owner === undefined ? {} : { key: owner };
const pageOf = (ledger: Recorded, page: { events: number; sessions: number }, until?: number) =>
  new KeptSessions(ledger, page).list(null, signal, until);
const ids = ({ sessions }: SessionList) => sessions.map(({ id }) => id);

/** All pages as one list, and each of them. */
async function listed(kept: KeptSessions, owner: string | null) {
  const pages = [await kept.list(owner, signal)];
  for (let { next } = pages[0]!; next !== null; next = pages.at(-1)!.next) {
    const page = await kept.list(owner, signal, next);
    if (page.next !== null) expect(page.next).toBeLessThan(next);
    pages.push(page);
  }
  return { pages, whole: pages.slice(1).reduce(joinedLists, pages[0]!) };
}

describe('a page of the list', () => {
  const wide = { events: 5, sessions: 500 };

  test('is the last one where it holds exactly as many events as it may', async () => {
    const ledger = new Recorded();
    for (const id of ['a', 'b', 'c', 'd', 'e']) ledger.turn(id);
    expect(await pageOf(ledger, wide)).toMatchObject({ next: null });
    ledger.turn('f');
    const newest = await pageOf(ledger, wide);
    expect([ids(newest), newest.next]).toEqual([['f', 'e', 'd', 'c', 'b'], 0]);
    const oldest = await pageOf(ledger, wide, 0);
    expect([ids(oldest), oldest.next]).toEqual([['a'], null]);
  });

  test('says where to go on also where it found nothing, for others were busy; events of other modules do not count', async () => {
    const ledger = new Recorded().turn('mine');
    for (let i = 0; i < 12; i++) ledger.turn('theirs', 'bob').add('decision_made', {}, 'zeroia');
    const first = await pageOf(ledger, wide);
    expect([first.sessions, first.next]).toEqual([[], 13]);
    expect((await pageOf(ledger, wide, 13)).next).toBe(3);
    expect(await pageOf(ledger, wide, 3)).toMatchObject({ sessions: [{ id: 'mine' }], next: null });
    expect(ledger.read).toBeLessThan(60);
  });

  test('ends before one conversation too many, and not before more of those it has', async () => {
    const two = { events: 500, sessions: 2 };
    const ledger = new Recorded().turn('c').turn('b').turn('a').turn('b').turn('a');
    const newest = await pageOf(ledger, two);
    expect([ids(newest), newest.next]).toEqual([['a', 'b'], 0]);
    expect(newest.sessions.map(({ answers }) => answers)).toEqual([2, 2]);
    expect(await pageOf(ledger, two, 0)).toMatchObject({ sessions: [{ id: 'c' }], next: null });
    expect((await pageOf(new Recorded().turn('b').turn('a'), two)).next).toBeNull();
  });

  test('is bounded where titles alone fill it', async () => {
    const ledger = new Recorded();
    for (let i = 0; i < 6; i++) ledger.turn(`s${i}`);
    for (let i = 0; i < 6; i++) ledger.named(`s${i}`, `title ${i}`);
    const { pages, whole } = await listed(new KeptSessions(ledger, { events: 500, sessions: 2 }), null);
    expect(pages.map(({ titles }) => titles.length)).toEqual([2, 2, 2, 0, 0, 0]);
    expect(whole.sessions.map(({ title }) => title)).toEqual([5, 4, 3, 2, 1, 0].map((i) => `title ${i}`));
  });
});

describe('pages together', () => {
  test('one conversation on both sides of the border is one, and asked first is what was', async () => {
    const ledger = new Recorded()
      .turn('a', undefined, 'What is first?')
      .turn('a')
      .turn('b')
      .refused('a')
      .turn('a');
    const { pages, whole } = await listed(new KeptSessions(ledger, { events: 2, sessions: 9 }), null);
    expect(pages.map(ids)).toEqual([['a'], ['b', 'a'], ['a']]);
    expect(whole.sessions[0]).toEqual({
      ...{ id: 'a', title: 'What is first?', mode: 'navigator', created_ms: 1000, last_used_ms: 1004 },
      answers: 3,
    });
  });

  test('a title given later reaches the conversation that is further back, and that of another owner does not', async () => {
    const ledger = new Recorded().turn('a').turn('a', 'bob').turn('b').turn('c');
    ledger.named('a', 'once').named('a', 'mine').named('a', 'not mine', 'bob');
    const kept = new KeptSessions(ledger, { events: 3, sessions: 9 });
    const { pages, whole } = await listed(kept, null);
    expect(pages[0]).toMatchObject({ sessions: [], titles: [{ id: 'a', title: 'mine' }] });
    expect(whole.sessions.map(({ id, title }) => [id, title])).toEqual([
      ['c', 'asked 3'],
      ['b', 'asked 2'],
      ['a', 'mine'],
    ]);
    expect((await listed(kept, 'bob')).whole.sessions.map(({ title }) => title)).toEqual(['not mine']);
  });

  test('what is erased or pruned before the next page is asked for is not on it', async () => {
    const ledger = new Recorded();
    for (const id of ['a', 'b', 'c', 'd', 'e']) ledger.turn(id);
    const kept = new KeptSessions(ledger, { events: 2, sessions: 9 });
    const newest = await kept.list(null, signal);
    ledger.erase('b');
    expect(await kept.list(null, signal, newest.next!)).toMatchObject({ sessions: [{ id: 'c' }], next: 0 });
    ledger.minimum = 2;
    expect(await kept.list(null, signal, newest.next!)).toMatchObject({
      sessions: [{ id: 'c' }],
      next: null,
    });
    ledger.minimum = 4;
    expect(await kept.list(null, signal, newest.next!)).toEqual({ sessions: [], titles: [], next: null });
    expect(ids(await kept.list(null, signal))).toEqual(['e']);
  });

  test('are what a single look gives, wherever the borders are', async () => {
    const owner = fc.constantFrom(undefined, 'ada', 'bob');
    const id = fc.constantFrom('s0', 's1', 's2', 's3');
    const step = fc.tuple(
      fc.constantFrom('turn', 'silent', 'refused', 'named', 'tool', 'other', 'erase'),
      id,
      owner,
    );
    const history = fc.record({
      steps: fc.array(step, { maxLength: 40 }),
      pruned: fc.nat({ max: 12 }),
      events: fc.integer({ min: 1, max: 7 }),
      sessions: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(history, async ({ steps, pruned, events, sessions }) => {
        const ledger = new Recorded();
        for (const [kind, session, who] of steps) {
          if (kind === 'turn') ledger.turn(session, who);
          else if (kind === 'silent') ledger.turn(session, who, '');
          else if (kind === 'refused') ledger.refused(session, who);
          else if (kind === 'named') ledger.named(session, `title ${ledger.said.length}`, who);
          else if (kind === 'tool') ledger.add('tool_ran', { session, output: 'x', ...key(who) });
          else if (kind === 'other') ledger.add('decision_made', {}, 'zeroia');
          else ledger.erase(session, who);
        }
        ledger.minimum = Math.min(pruned, ledger.said.length);
        const once = new KeptSessions(ledger);
        const paged = new KeptSessions(ledger, { events, sessions });
        for (const who of [null, 'ada', 'bob']) {
          const { pages, whole } = await listed(paged, who);
          expect(whole).toEqual(await once.list(who, signal));
          for (const page of pages) {
            const found = new Set([...page.sessions, ...page.titles].map((one) => one.id));
            expect(found.size).toBeLessThanOrEqual(sessions);
          }
        }
      }),
    );
  });
});

test('a list for somebody who has gone is not read', async () => {
  const ledger = new Recorded().turn('a');
  await expect(new KeptSessions(ledger).list(null, AbortSignal.abort())).rejects.toMatchObject({
    code: 'shutting_down',
  });
  expect(ledger.read).toBe(0);
});
