import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGguf } from './gguf.js';
import { openModelReader } from './index.js';

const fixture = fileURLToPath(new URL('../../test/fixtures/models/tiny-chat.gguf', import.meta.url));
const good = readFileSync(fixture);
const { signal } = new AbortController();
let folder: string;
let reader: Awaited<ReturnType<typeof openModelReader>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-read-'));
  reader = await openModelReader({ memoryBytes: 268_435_456, cpuSeconds: 60 });
});
afterAll(async () => {
  await reader.close();
  rmSync(folder, { recursive: true });
});

function fileOf(bytes: Buffer): string {
  const path = join(folder, 'm.gguf');
  // For its owner alone: the process that reads it is another user's and gets it open.
  writeFileSync(path, bytes, { mode: 0o600 });
  return path;
}

describe('a model file read in the sandbox', () => {
  it('is hashed and says what it is', async () => {
    const progress: number[] = [];
    const read = await reader.readModel(fileOf(good), {
      signal,
      onProgress: (bytes) => progress.push(bytes),
    });
    expect(read).toEqual({
      sha256: createHash('sha256').update(good).digest('hex'),
      bytes: good.length,
      read: {
        facts: {
          architecture: 'llama',
          name: 'tiny-chat-test',
          parameters: 918_656,
          quantisation: 'Q8_0',
          context_tokens: 1024,
          chat_template: true,
          cache_bytes_per_token: 1024,
        },
      },
    });
  });

  it('that is damaged is hashed all the same, and its fault is told', async () => {
    const cut = good.subarray(0, 5000);
    expect(await reader.readModel(fileOf(cut), { signal })).toEqual({
      sha256: createHash('sha256').update(cut).digest('hex'),
      bytes: 5000,
      read: { fault: expect.stringMatching(/too early|larger than the file/) },
    });
    expect((await reader.readModel(fileOf(Buffer.alloc(0)), { signal })).read).toHaveProperty('fault');
  });

  it('behind a link, a folder or a pipe is not read', async () => {
    const link = join(folder, 'link.gguf');
    symlinkSync(fixture, link);
    await expect(reader.readModel(link, { signal })).rejects.toThrow('ELOOP');
    await expect(reader.readModel(folder, { signal })).rejects.toThrow('no regular file');
    const pipe = join(folder, 'pipe.gguf');
    execFileSync('mkfifo', [pipe]);
    await expect(reader.readModel(pipe, { signal })).rejects.toThrow('no regular file');
    await expect(reader.readModel(join(folder, 'none'), { signal })).rejects.toThrow('ENOENT');
  });

  it('is left when nobody waits any more', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(reader.readModel(fileOf(good), { signal: stop.signal })).rejects.toThrow('was ended');
  });

  it('with flipped bits gives facts of the right form or a fault', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(6000), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 }),
        (flips) => {
          const bytes = Buffer.from(good);
          for (const [at, bits] of flips) bytes[at] = bytes[at]! ^ bits;
          const read = readGguf({
            bytes: bytes.length,
            read: (position, length) => bytes.subarray(position, position + length),
          });
          if ('fault' in read) return read.fault.length <= 200;
          const words = [read.facts.name, read.facts.architecture, read.facts.licence];
          // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested.
          return words.every((word) => word === undefined || !/[\u0000-\u001f\u007f]/.test(word));
        },
      ),
      { numRuns: 300 },
    );
  });
});
