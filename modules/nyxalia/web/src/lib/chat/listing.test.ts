import { describe, expect, test } from 'vitest';
import type { KeptSession, SessionList } from '../../../../../../runtime/contracts/session-list.js';
import { type Listing, readOn, without, withTitle } from './listing.js';

const session = (id: string): KeptSession => ({
  ...{ id, title: `asked in ${id}`, mode: 'model', created_ms: 1, last_used_ms: 2, answers: 1 },
});
/** Pages from the newest on, as the appliance gives them; each but the last says that there is more. */
function server(...pages: string[][]) {
  const asked: (number | undefined)[] = [];
  const page = async (until: number | undefined): Promise<SessionList> => {
    asked.push(until);
    const n = until === undefined ? 0 : pages.length - until;
    const next = n + 1 < pages.length ? pages.length - n - 1 : null;
    return { sessions: pages[n]!.map(session), titles: [], next };
  };
  return { page, asked };
}
const isWanted = () => true;
const ids = ({ sessions }: SessionList) => sessions.map(({ id }) => id);

describe('the list is read', () => {
  test('one page of it where that holds something, though there is more', async () => {
    const { page, asked } = server(['a'], ['b']);
    const list = await readOn(page, { pages: 1, isWanted });
    expect([ids(list), list.next, list.pages, asked]).toEqual([['a'], 1, 1, [undefined]]);
  });

  test('on by itself while nothing was found, and never beyond the end', async () => {
    const { page, asked } = server([], [], ['c'], ['d']);
    const list = await readOn(page, { pages: 1, isWanted });
    expect([ids(list), list.next, list.pages, asked]).toEqual([['c'], 1, 3, [undefined, 3, 2]]);
    const empty = server([], []);
    expect(await readOn(empty.page, { pages: 1, isWanted })).toMatchObject({ sessions: [], next: null });
    expect(empty.asked).toHaveLength(2);
  });

  test('no further than five pages that hold nothing', async () => {
    const { page, asked } = server(...Array.from({ length: 20 }, () => []), ['far']);
    const list = await readOn(page, { pages: 1, isWanted });
    expect([list.pages, list.next, asked.length]).toEqual([5, 16, 5]);
    const more = await readOn(page, { from: list, pages: 1, isWanted });
    expect([more.pages, asked.length]).toEqual([10, 10]);
    // Read anew as far back, it takes no more than that.
    expect((await readOn(page, { pages: more.pages, isWanted })).pages).toBe(10);
  });

  test('as far back as it was shown, and on from there for one that is new', async () => {
    const { page, asked } = server(['a'], ['a'], ['b'], ['c']);
    const list = await readOn(page, { pages: 2, isWanted });
    expect([ids(list), list.sessions[0]?.answers, list.next]).toEqual([['a'], 2, 2]);
    const more = await readOn(page, { from: list, pages: 1, isWanted });
    expect([ids(more), more.next, more.pages]).toEqual([['a', 'b'], 1, 3]);
    expect(ids(await readOn(page, { from: more, pages: 1, isWanted }))).toEqual(['a', 'b', 'c']);
    expect(asked).toEqual([undefined, 3, 2, 1]);
  });

  test('past a page that only has more of what is listed', async () => {
    const { page } = server(['a'], ['a'], ['b']);
    const from = await readOn(page, { pages: 1, isWanted });
    expect(ids(await readOn(page, { from, pages: 1, isWanted }))).toEqual(['a', 'b']);
  });

  test('not on when nobody waits for it any more', async () => {
    const { page, asked } = server([], [], ['c']);
    await readOn(page, { pages: 3, isWanted: () => asked.length < 2 });
    expect(asked).toHaveLength(2);
  });
});

describe('what was done here meanwhile', () => {
  const listing: Listing = { sessions: [session('a'), session('b')], titles: [], next: 7, pages: 3 };

  test('a title holds against what older pages say', async () => {
    const named = withTitle(withTitle(listing, 'b', 'first'), 'b', 'mine');
    expect(named).toMatchObject({ next: 7, pages: 3 });
    expect(named.sessions.map(({ title }) => title)).toEqual(['asked in a', 'mine']);
    const older = async () => ({
      sessions: [session('b'), session('c')],
      titles: [{ id: 'b', title: 'old' }],
      next: null,
    });
    const { sessions } = await readOn(older, { from: named, pages: 1, isWanted });
    expect(sessions.map(({ id, title }) => [id, title])).toEqual([
      ['a', 'asked in a'],
      ['b', 'mine'],
      ['c', 'asked in c'],
    ]);
  });

  test('an erased conversation leaves nothing, its title neither', () => {
    const left = without(withTitle(listing, 'b', 'mine'), 'b');
    expect([ids(left), left.titles, left.next]).toEqual([['a'], [], 7]);
  });
});
