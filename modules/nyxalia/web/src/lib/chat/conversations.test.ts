import { describe, expect, test } from 'vitest';
import {
  asMarkdown,
  type Conversation,
  merged,
  messagesOf,
  placeOf,
  rateOf,
  titleOf,
} from './conversations.js';

const listed = (id: string, answers = 1) => ({
  id,
  title: `title of ${id}`,
  mode: 'model' as const,
  created_ms: 1,
  last_used_ms: 5,
  answers,
});
const known = (id: string, state: Conversation['state'], answers = 1): Conversation => ({
  id,
  title: id,
  updated_ms: 1,
  answers,
  state,
  messages: [{ role: 'user', text: 'hello', state: 'done', at_ms: 0 }],
});
const turn = { index: 4, leaf_hash: 'ff', time_ms: 7, prompt: 'How are you?' };
const answer = { ...turn, answer: 'fine', engine: 'ollama', model: 'm', finish_reason: 'stop' };

describe("the appliance's list", () => {
  test('is what there is; what was erased elsewhere is gone', () => {
    expect(merged([known('a', 'read')], [listed('b')])).toEqual([
      { id: 'b', title: 'title of b', updated_ms: 5, answers: 1, state: 'listed', messages: [] },
    ]);
  });

  test('leaves what was read, in the same object, unless there is more of it', () => {
    const [same, grown] = [known('a', 'read', 1), known('b', 'read', 1)];
    const list = merged([same, grown], [listed('b', 2), listed('a', 1)]);
    expect(list.map(({ id, state }) => [id, state])).toEqual([
      ['b', 'listed'],
      ['a', 'read'],
    ]);
    expect([list[0] === grown, list[1] === same, same.title]).toEqual([true, true, 'title of a']);
    expect(grown.messages).toHaveLength(1);
  });

  test('does not make older what was used here since', () => {
    const used = { ...known('a', 'read', 2), updated_ms: 9 };
    expect(merged([used], [listed('a', 1)])).toMatchObject([{ updated_ms: 9, state: 'read' }]);
  });

  test('does not have yet what was begun on this page', () => {
    const begun = known('a', 'here', 0);
    expect(merged([begun], [])).toEqual([begun]);
    expect(merged([begun], [listed('a', 0)])[0]?.state).toBe('read');
    expect(merged([known('a', 'here', 0)], [listed('a', 1)])[0]?.state).toBe('listed');
  });
});

describe('what the appliance keeps', () => {
  test('is shown with who spoke, how fast, and the receipt', () => {
    const messages = messagesOf([{ ...answer, first_text_ms: 100, took_ms: 1100, completion_tokens: 20 }]);
    expect(messages).toEqual([
      { role: 'user', text: 'How are you?', state: 'done', at_ms: 7 },
      {
        role: 'assistant',
        text: 'fine',
        state: 'done',
        at_ms: 7,
        receipt: { recorded: 'durable', index: 4, leaf_hash: 'ff' },
        engine: 'ollama',
        model: 'm',
        finish_reason: 'stop',
        prompt_chars: 12,
        first_text_ms: 100,
        tokens_per_second: 20,
      },
    ]);
  });

  test('says which rules refused a question', () => {
    const [, refused] = messagesOf([{ ...turn, refused: ['override-instructions'] }]);
    expect(refused).toMatchObject({
      state: 'refused',
      reasons: [{ rule: 'override-instructions' }],
      receipt: { index: 4 },
    });
  });
});

test('a place in the queue is read from a comment, until it starts', () => {
  expect(placeOf('waiting position=2 estimate_ms=900')).toEqual({ position: 2, estimate_ms: 900 });
  expect(placeOf('waiting position=1')).toEqual({ position: 1 });
  for (const other of ['waiting position=0', '', 'waiting', 'waiting position=x', 'keep-alive'])
    expect(placeOf(other)).toBeUndefined();
});

test('a rate needs some time to be one', () => {
  expect([rateOf(10, 49), rateOf(undefined, 1000)]).toEqual([{}, {}]);
  expect(rateOf(10, 50)).toEqual({ tokens_per_second: 200 });
});

test('a title is the first words, on one line', () => {
  expect(titleOf('  How\n are   you? ')).toBe('How are you?');
  expect(titleOf('x'.repeat(100))).toHaveLength(60);
});

test('as Markdown it says who spoke and names the event', () => {
  expect(asMarkdown({ title: 'a', messages: messagesOf([answer]) })).toBe(
    '# a\n\n**You**\n\nHow are you?\n\n---\n\n**m** (ollama)\n\nfine\n\nEvent 4, leaf ff\n',
  );
});
