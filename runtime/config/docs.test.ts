import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderMarkdown } from './render.js';

it('docs/configuration.md is what `arkalia config --markdown` prints', () => {
  const file = new URL('../../../docs/configuration.md', import.meta.url);
  expect(readFileSync(file, 'utf8'), 'run: npx arkalia config --markdown > docs/configuration.md').toBe(
    renderMarkdown(),
  );
});
