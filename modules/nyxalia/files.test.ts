import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  await writeFile(join(folder, 'assets/a.js.gz'), 'smaller');
  await writeFile(join(folder, 'assets/a.js.br'), 'smallest');
  await writeFile(join(folder, 'assets/b.css'), script);
  const files = (await readWebFiles(folder))!;
  expect(files.index).toMatchObject({
    type: 'text/html; charset=utf-8',
    etag: expect.stringMatching(/^"[\w-]{22}"$/),
  });
  const file = files.assets.get('a.js')!;
  const { identity, gzip, br } = file.bodies;
  expect([identity, gzip, br].map((body) => Buffer.from(body!).toString())).toEqual([
    script,
    'smaller',
    'smallest',
  ]);
  expect([...files.assets.keys()].sort()).toEqual(['a.js', 'b.css']);
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
  expect(bestBody(files.assets.get('b.css')!, 'br')[0]).toBe('identity');
  expect(files.assets.get('../index.html')).toBe(undefined);
});
