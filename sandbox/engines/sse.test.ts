import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lines } from './lines.js';
import { EngineFailure } from './port.js';
import { sseData } from './sse.js';

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
}

async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

describe('lines', () => {
  it('finds the same lines however the text is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, '')),
          { maxLength: 8 },
        ),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 20 }),
        async (texts, ending, size) => {
          const whole = texts.map((text) => text + ending).join('');
          expect((await gather(lines(pieces(whole, size)))).map((line) => line.text)).toEqual(texts);
        },
      ),
    );
  });

  it('tells a last line that nothing ended', async () => {
    expect(await gather(lines(pieces('a\nb', 1)))).toEqual([
      { text: 'a', ended: true },
      { text: 'b', ended: false },
    ]);
  });

  it('refuses an endless line', async () => {
    const endless = 'x'.repeat(1_048_577);
    await expect(gather(lines(pieces(endless, 65_536)))).rejects.toThrow(EngineFailure);
    await expect(gather(lines(pieces(`${endless}\n`, 2_000_000)))).rejects.toThrow(EngineFailure);
  });
});

describe('sseData', () => {
  it.each([
    ['data: a\n\ndata: b\n\n', ['a', 'b']],
    ['data:a\n\n', ['a']],
    ['data:  a\n\n', [' a']],
    ['data: a\ndata: b\n\n', ['a\nb']],
    [': comment\nevent: x\nid: 1\nretry: 5\ndata: a\r\n\r\n', ['a']],
    ['data\n\n', ['']],
    ['data: cut', []],
    ['data: cut\n', []],
    ['\n\n\n', []],
  ])('reads %j', async (text, data) => {
    for (const size of [1, 3, 1000]) expect(await gather(sseData(pieces(text, size)))).toEqual(data);
  });

  it('refuses what is no field', async () => {
    await expect(gather(sseData(pieces('<html>\n', 4)))).rejects.toThrow(EngineFailure);
  });
});
