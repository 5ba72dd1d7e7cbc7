import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerRoom, estimatedHistory, fittedHistory } from './history.js';
import type { PromptMessage } from './types.js';

const message = (role: PromptMessage['role'], content: string): PromptMessage => ({ role, content });
const turns = [
  message('system', 'S'),
  message('user', 'a'),
  message('assistant', 'A'),
  message('user', 'b'),
  message('tool', 'B'),
  message('assistant', 'B'),
  message('system', 'T'),
  message('user', 'c'),
];
const said = (messages: PromptMessage[]) => messages.map(({ content }) => content).join('');
const atMost = (count: number) => (messages: PromptMessage[]) => messages.length <= count;

describe('a conversation that is too long', () => {
  it.each([
    [8, 'SaAbBBTc', 0],
    [7, 'SbBBTc', 2],
    [6, 'SbBBTc', 2],
    [5, 'STc', 5],
    [3, 'STc', 5],
    [0, 'STc', 5],
  ])('for %d messages is %s', (count, kept, leftOut) => {
    const fitted = fittedHistory(turns, atMost(count));
    expect([said(fitted.messages), fitted.leftOut]).toEqual([kept, leftOut]);
  });

  it('without a turn, or with what begins before the user, is cut no further than that', () => {
    expect(fittedHistory([], () => false)).toEqual({ messages: [], leftOut: 0 });
    const system = [message('system', 'S')];
    expect(fittedHistory(system, () => false)).toEqual({ messages: system, leftOut: 0 });
    const greeted = [message('assistant', 'hi'), message('user', 'a')];
    expect(said(fittedHistory(greeted, () => false).messages)).toBe('a');
  });

  it('keeps every system message and the newest turn, the rest whole, and no less than fits', () => {
    const some = fc.array(
      fc.tuple(fc.constantFrom<PromptMessage['role']>('system', 'user', 'assistant', 'tool'), fc.string()),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(some, fc.nat(200), (rows, room) => {
        const messages = rows.map(([role, content]) => message(role, content));
        const size = (list: PromptMessage[]) =>
          list.reduce((sum, { content }) => sum + content.length + 1, 0);
        const { messages: kept, leftOut } = fittedHistory(messages, (list) => size(list) <= room);
        expect(kept.length + leftOut).toBe(messages.length);
        const last = messages.findLastIndex(({ role }) => role === 'user');
        const mustStay = messages.filter(({ role }, i) => role === 'system' || (last >= 0 && i >= last));
        expect(mustStay.every((one) => kept.includes(one))).toBe(true);
        if (leftOut === 0) return;
        // It is the whole from some turn on, and with the turn before it would not have fitted.
        const rest = messages.filter(({ role }) => role !== 'system');
        const keptRest = kept.filter(({ role }) => role !== 'system');
        const start = rest.length - keptRest.length;
        expect(keptRest).toEqual(rest.slice(start));
        expect(keptRest[0]?.role ?? 'user').toBe('user');
        const before = rest.slice(0, start).findLastIndex(({ role }) => role === 'user');
        const longer = messages.filter(
          (one) => one.role === 'system' || rest.indexOf(one) >= Math.max(0, before),
        );
        expect(size(longer)).toBeGreaterThan(room);
      }),
    );
  });
});

describe('by estimate', () => {
  it('leaves a quarter for the answer, or what was asked for', () => {
    expect([answerRoom(2048, undefined), answerRoom(2048, 10), answerRoom(2048, 9999)]).toEqual([
      512, 10, 512,
    ]);
  });

  it('counts a token for three bytes, and gives up only on what is too long at six', () => {
    const long = [message('user', 'x'.repeat(3000)), message('assistant', 'y'), message('user', 'z')];
    expect(estimatedHistory(long, 2048, 100)?.leftOut).toBe(0);
    expect(estimatedHistory(long, 1024, 100)?.leftOut).toBe(2);
    const one = (bytes: number) => [message('user', 'x'.repeat(bytes))];
    expect(estimatedHistory(one(6000), 1024, 100)).toEqual({ messages: one(6000), leftOut: 0 });
    expect(estimatedHistory(one(6 * 1024), 1024, 100)).toBeUndefined();
  });
});
