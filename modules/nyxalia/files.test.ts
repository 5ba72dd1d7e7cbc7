import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bestBody, readWebFiles } from './files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-web-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const script = 'let a = 1;'.repeat(200);

test('what was not built is undefined', async () => {
  expect(await readWebFiles(folder)).toBe(undefined);
});

test('each file is read once, in each form that clients take', async () => {
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<p>');
  await writeFile(join(folder, 'assets/a.js'), script);
  await writeFile(join(folder, 'assets/b.css'), script);
  const files = (await readWebFiles(folder))!;
  expect(files.index).toMatchObject({
    type: 'text/html; charset=utf-8',
    etag: expect.stringMatching(/^"[\w-]{22}"$/),
  });
  const file = files.assets.get('a.js')!;
  expect(gunzipSync(file.bodies.gzip!).toString()).toBe(script);
  expect(brotliDecompressSync(file.bodies.br!).toString()).toBe(script);
  for (const [asked, encoding] of [
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0, GZIP;q=0.5', 'gzip'],
    ['gzip;q=0.0', 'identity'],
    ['*', 'identity'],
  ] as const)
    expect([asked, bestBody(file, asked)[0]]).toEqual([asked, encoding]);
  expect(bestBody(files.index, 'br')[0]).toBe('identity');
  expect(files.assets.get('../index.html')).toBe(undefined);
});
