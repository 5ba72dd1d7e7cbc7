import { expect, test } from 'vitest';
import { joinedLists, joinedSession, type KeptSession, type SessionList } from './session-list.js';

const part = (id: string, more: Partial<KeptSession> = {}): KeptSession => ({
  ...{ id, title: `asked in ${id}`, mode: 'model', created_ms: 1, last_used_ms: 2, answers: 1, ...more },
});
const list = (sessions: KeptSession[], titles: SessionList['titles'] = [], next: number | null = null) => ({
  ...{ sessions, titles, next },
});

test('of two parts of a conversation the older says when it began and what was asked first, the newer who answered last', () => {
  const later = part('a', {
    title: 'and then?',
    mode: 'navigator',
    created_ms: 30,
    last_used_ms: 40,
    answers: 2,
  });
  const earlier = part('a', { created_ms: 10, last_used_ms: 20, answers: 3 });
  expect(joinedSession(later, earlier)).toEqual({
    ...{ id: 'a', title: 'asked in a', mode: 'navigator', created_ms: 10, last_used_ms: 40, answers: 5 },
  });
});

test('a part of which all was refused leaves it to the other who answered', () => {
  const refused = part('a', { mode: null, answers: 0 });
  expect(joinedSession(refused, part('a'))).toMatchObject({ mode: 'model', answers: 1 });
  expect(joinedSession(part('a'), refused)).toMatchObject({ mode: 'model', answers: 1 });
  expect(joinedSession(refused, refused)).toMatchObject({ mode: null, answers: 0 });
});

test('an older part without words leaves the title to the newer', () => {
  expect(joinedSession(part('a', { title: 'words' }), part('a', { title: '' })).title).toBe('words');
});

test('pages keep their order, and the place to go on from is that of the older', () => {
  const newer = list([part('b'), part('a')], [], 9);
  const older = list([part('c'), part('a'), part('d')], [], 4);
  const { sessions, next } = joinedLists(newer, older);
  expect(sessions.map(({ id, answers }) => [id, answers])).toEqual([
    ['b', 1],
    ['a', 2],
    ['c', 1],
    ['d', 1],
  ]);
  expect(next).toBe(4);
});

test('the title that was given last counts, on whichever page the conversation is', () => {
  const newer = list(
    [part('a', { title: 'new a' })],
    [
      { id: 'a', title: 'new a' },
      { id: 'b', title: 'new b' },
    ],
  );
  const older = list(
    [part('a', { title: 'old a' }), part('b'), part('c', { title: 'old c' })],
    [
      { id: 'c', title: 'old c' },
      { id: 'a', title: 'old a' },
      { id: 'd', title: 'of one further back' },
    ],
  );
  const joined = joinedLists(newer, older);
  expect(joined.sessions.map(({ title }) => title)).toEqual(['new a', 'new b', 'old c']);
  const further = joinedLists(joined, list([part('d'), part('a')]));
  expect(further.sessions.map(({ title }) => title)).toEqual([
    'new a',
    'new b',
    'old c',
    'of one further back',
  ]);
});

test('a title that was given before the newer part began is that of the whole', () => {
  const newer = list([part('a', { title: 'and then?' })]);
  const older = list([part('a', { title: 'mine' })], [{ id: 'a', title: 'mine' }]);
  expect(joinedLists(newer, older).sessions[0]?.title).toBe('mine');
});
