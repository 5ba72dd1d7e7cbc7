import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSse, type SseFrame } from './sse.js';

async function framesOf(chunks: Uint8Array[]): Promise<SseFrame[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const frames: SseFrame[] = [];
  for await (const frame of readSse(body())) frames.push(frame);
  return frames;
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe('readSse', () => {
  it('reads events, comments, several data lines and fields without a value', async () => {
    const text = ': hello\n\nevent: delta\ndata: {"a":1}\n\ndata\ndata:  two\nid: 7\n\nevent: lost\n\n';
    expect(await framesOf([bytes(text)])).toEqual([
      { event: 'delta', data: '{"a":1}' },
      { event: 'message', data: '\n two' },
    ]);
  });

  it('drops a last frame that was not finished', async () => {
    expect(await framesOf([bytes('event: done\ndata: {}\n')])).toEqual([]);
  });

  it('reads the same frames however the bytes are cut, with any line ending', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text)),
          { maxLength: 5 },
        ),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(200), { maxLength: 8 }),
        async (texts, end, cuts) => {
          const wire = texts.map((text) => `event: delta${end}data: ${text}${end}${end}`).join('');
          const whole = bytes(`${wire}${end}`);
          const at = [...new Set(cuts.map((cut) => Math.min(cut, whole.length)))].sort((a, b) => a - b);
          const chunks = [...at, whole.length].map((to, index) => whole.subarray(at[index - 1] ?? 0, to));
          expect(await framesOf(chunks)).toEqual(texts.map((data) => ({ event: 'delta', data })));
        },
      ),
    );
  });

  it('refuses a frame without end', async () => {
    const chunk = bytes(`data: ${'x'.repeat(1_000_000)}`);
    await expect(framesOf([chunk, chunk, chunk, chunk, chunk])).rejects.toThrow(RangeError);
  });
});
