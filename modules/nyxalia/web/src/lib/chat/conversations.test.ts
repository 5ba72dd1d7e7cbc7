import { describe, expect, test } from 'vitest';
import {
  asMarkdown,
  type Conversation,
  conversationsMax,
  readConversations,
  storedCharsMax,
  titleOf,
  writeConversations,
} from './conversations.js';

function store(initial?: string): Pick<Storage, 'getItem' | 'setItem'> & { text: string | null } {
  return {
    text: initial ?? null,
    getItem() {
      return this.text;
    },
    setItem(_, text) {
      this.text = text;
    },
  };
}
const conversation = (id: string, updated_ms: number, text = 'hello'): Conversation => ({
  id,
  title: id,
  created_ms: 0,
  updated_ms,
  messages: [{ role: 'user', text, state: 'done', at_ms: 0 }],
});

describe('conversations of this browser', () => {
  test('come back as they were kept', () => {
    const place = store();
    expect(writeConversations(place, [conversation('a', 1), conversation('b', 2)])).toBe(0);
    expect(readConversations(place).map(({ id }) => id)).toEqual(['b', 'a']);
  });

  test('what is damaged or not ours counts as nothing', () => {
    for (const text of ['', '{', '{}', '[1,null,{"id":1}]', 'null'])
      expect(readConversations(store(text))).toEqual([]);
  });

  test('the oldest make room, by number and by size', () => {
    const place = store();
    const many = Array.from({ length: conversationsMax + 3 }, (_, i) => conversation(`c${i}`, i));
    expect(writeConversations(place, many)).toBe(3);
    expect(readConversations(place).at(-1)?.id).toBe('c3');
    const large = 'x'.repeat(storedCharsMax / 2);
    expect(
      writeConversations(place, [
        conversation('a', 1, large),
        conversation('b', 2, large),
        conversation('c', 3),
      ]),
    ).toBe(1);
    expect(readConversations(place).map(({ id }) => id)).toEqual(['c', 'b']);
    expect(writeConversations(place, [conversation('a', 1, large + large)])).toBe(0);
    expect(readConversations(place)).toEqual([]);
  });

  test('an answer that was under way when the page was left is broken', () => {
    const place = store();
    const left = conversation('a', 1);
    left.messages.push({ role: 'assistant', text: 'ha', state: 'streaming', at_ms: 1 });
    writeConversations(place, [left]);
    expect(readConversations(place)[0]?.messages.map(({ state }) => state)).toEqual(['done', 'broken']);
  });

  test('a title is the first words, on one line', () => {
    expect(titleOf('  How\n are   you? ')).toBe('How are you?');
    expect(titleOf('x'.repeat(100))).toHaveLength(60);
  });

  test('as Markdown it says who spoke and names the event', () => {
    const said = conversation('a', 1);
    said.messages.push({
      role: 'assistant',
      text: 'fine',
      state: 'done',
      at_ms: 1,
      engine: 'ollama',
      model: 'm',
      receipt: { recorded: 'durable', index: 4, leaf_hash: 'ff' },
    });
    expect(asMarkdown(said)).toBe(
      '# a\n\n**You**\n\nhello\n\n---\n\n**m** (ollama)\n\nfine\n\nEvent 4, leaf ff\n',
    );
  });
});
