import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expand, expandAll } from '../training/patterns.js';
import { seeded } from '../training/random.js';

interface Line {
  text: string;
  label: number;
  lang: string;
  kind: string;
  pair?: string;
}

const folder = new URL('../../../../runtime/guard/data/', import.meta.url);
const read = (name: string) =>
  readFileSync(new URL(`${name}.jsonl`, folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
const patterns = read('patterns') as unknown[] as { pattern: string }[];
const files = ['pairs', 'prompts', 'documents', 'planted', 'parts'];

describe('our own rows', () => {
  it.each(files)('in %s are whole, and none is there twice', (name) => {
    const rows = read(name);
    for (const { text, label, lang, kind } of rows) {
      expect(text.trim()).not.toBe('');
      expect([0, 1]).toContain(label);
      expect(['en', 'fr', 'xx']).toContain(lang);
      expect(kind).toMatch(/^[a-z-]+$/);
    }
    const texts = rows.map(({ text }) => text);
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  });

  it('each attack of a pair has its harmless twin', () => {
    const labels = new Map<string, number[]>();
    for (const { pair = '', label } of read('pairs')) labels.set(pair, [...(labels.get(pair) ?? []), label]);
    for (const both of labels.values()) expect(both.sort()).toEqual([0, 1]);
  });

  it('are patterns whose choices all close, each with several texts', () => {
    const random = seeded(1);
    for (const { pattern } of patterns) {
      expect(expandAll(pattern, 12, random).length, pattern).toBeGreaterThanOrEqual(8);
      expect(expand(pattern, random)).not.toMatch(/[⟦⟧]/);
    }
    expect(new Set(patterns.map(({ pattern }) => pattern)).size).toBe(patterns.length);
    expect(() => expand('⟦a|b', random)).toThrow(/not closed/);
  });

  it('are as many as the README says', () => {
    const readme = readFileSync(new URL('README.md', folder), 'utf8');
    expect(readme).toContain(`| \`patterns.jsonl\` | ${patterns.length} |`);
    for (const name of files) expect(readme).toContain(`| \`${name}.jsonl\` | ${read(name).length} |`);
  });
});
