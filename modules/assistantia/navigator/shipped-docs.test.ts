import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageRoot, readShippedDocs } from './shipped-docs.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'navigator-docs-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

test('the root is the nearest folder with package.json', () => {
  mkdirSync(join(root, 'a/b'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{}');
  expect(packageRoot(join(root, 'a/b'))).toBe(root);
  writeFileSync(join(root, 'a/package.json'), '{}');
  expect(packageRoot(join(root, 'a/b'))).toBe(join(root, 'a'));
});

test('no package.json anywhere is an error that names where it looked', () => {
  expect(() => packageRoot(root)).toThrow(root);
});

test('reads what ships, in order, and nothing else', () => {
  mkdirSync(join(root, 'docs/deeper'), { recursive: true });
  for (const name of [
    'README.md',
    'CHANGELOG.md',
    'docs/b.md',
    'docs/a.md',
    'docs/data.json',
    'docs/deeper/c.md',
  ]) {
    writeFileSync(join(root, name), `text of ${name}`);
  }
  expect(readShippedDocs(root)).toEqual([
    { name: 'README.md', markdown: 'text of README.md' },
    { name: 'docs/a.md', markdown: 'text of docs/a.md' },
    { name: 'docs/b.md', markdown: 'text of docs/b.md' },
  ]);
});

test('a package without documentation has none; a giant file is read in part', () => {
  expect(readShippedDocs(root)).toEqual([]);
  writeFileSync(join(root, 'README.md'), 'x'.repeat(1_500_000));
  expect(readShippedDocs(root)[0]?.markdown).toHaveLength(1_048_576);
});
