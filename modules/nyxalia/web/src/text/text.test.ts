import { expect, test } from 'vitest';
import { en } from './en.js';
import { fr } from './fr.js';

/** Each text by its path; functions with sample arguments. */
function texts(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('3', '4', '5'))]];
  return Object.entries(value as object).flatMap(([name, inner]) => texts(inner, `${path}.${name}`));
}

test('French has every text that English has, and none is empty', () => {
  const paths = (all: [string, string][]) =>
    all.map(([path]) => path).filter((path) => !path.startsWith('.shed.'));
  expect(paths(texts(fr)).sort()).toEqual(paths(texts(en)).sort());
  for (const [path, text] of [...texts(en), ...texts(fr)])
    expect([path, text.trim()]).not.toEqual([path, '']);
});

/** Words that both languages share. */
const shared = new Set(
  'Arkalia-LUNA|Pages|Cause|Modules|Module|Type|Sources|Normal|Minutes|Node|Version|normal|contradictions|English|Français|user|operator|admin'.split(
    '|',
  ),
);

test('no text was left untranslated', () => {
  const english = new Map(texts(en));
  const same = texts(fr).filter(([path, text]) => english.get(path) === text && !shared.has(text));
  expect(same).toEqual([]);
});
