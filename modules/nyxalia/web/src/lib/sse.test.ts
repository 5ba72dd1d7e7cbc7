import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ServerSentEvent, serverSentEvents } from './sse.js';

function body(pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}
async function read(pieces: Uint8Array[]): Promise<ServerSentEvent[]> {
  const events = [];
  for await (const event of serverSentEvents(body(pieces))) events.push(event);
  return events;
}

describe('server-sent events', () => {
  const source = 'event: delta\ndata: {"text":"é€😀"}\n\n: position 3\n\nevent: done\ndata: a\ndata: b\n\n';
  const expected = [
    { event: 'delta', data: '{"text":"é€😀"}' },
    { event: ':', data: 'position 3' },
    { event: 'done', data: 'a\nb' },
  ];

  test('are the same however the bytes are cut', async () => {
    const bytes = new TextEncoder().encode(source);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const pieces = at.slice(1).map((end, i) => bytes.slice(at[i], end));
        expect(await read(pieces)).toEqual(expected);
      }),
    );
  });

  test('an event that was not ended is none', async () => {
    expect(await read([new TextEncoder().encode('event: done\ndata: a\n')])).toEqual([]);
  });

  test('an event without end stops the reading', async () => {
    const piece = new Uint8Array(1_000_000).fill(97);
    await expect(read([piece, piece, piece, piece, piece])).rejects.toThrow(RangeError);
  });
});
