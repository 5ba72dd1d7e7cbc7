import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitMarkdown } from './markdown.js';

const readme = `![badge](https://example.org/b.svg)
# Arkalia

An appliance that **stays up**, see [the design](docs/design.md).

## Install it

\`\`\`
npm ci && npm start
# not a heading
\`\`\`

\`\`\`mermaid
graph TD; a --> b
\`\`\`

### Where & how?

| Key | Default |
|-----|:-------:|
| \`http.port\` | 8000 |
`;

test('passages carry their headings, their anchor and the words without marks', () => {
  expect(splitMarkdown('README.md', readme)).toEqual([
    {
      source: 'README.md#arkalia',
      title: 'Arkalia',
      text: 'An appliance that stays up, see the design.',
    },
    {
      source: 'README.md#install-it',
      title: 'Arkalia › Install it',
      text: 'npm ci && npm start\n# not a heading',
    },
    {
      source: 'README.md#where--how',
      title: 'Arkalia › Install it › Where & how?',
      text: '| Key | Default |\n| http.port | 8000 |',
    },
  ]);
});

test('a heading closes those below it', () => {
  const text = '# A\n## B\n### C\n## D\nenough text to be a passage\n# E\nenough text to be a passage\n';
  expect(splitMarkdown('x.md', text).map(({ title }) => title)).toEqual(['A › D', 'E']);
});

test('text before any heading is of the file', () => {
  expect(splitMarkdown('x.md', 'words without any heading above')).toEqual([
    { source: 'x.md', title: 'x.md', text: 'words without any heading above' },
  ]);
});

test('long sections are cut, and every passage is bounded', () => {
  const long = `# Long\n${'A sentence of some length in a paragraph.\n\n'.repeat(100)}${'x'.repeat(5000)}\n`;
  const passages = splitMarkdown('x.md', long);
  expect(passages.length).toBeGreaterThan(4);
  for (const { text, source } of passages) {
    expect(text.length).toBeLessThanOrEqual(901);
    expect(source).toBe('x.md#long');
  }
});

test('any text is split without failing', () => {
  const line = fc.constantFrom(
    '# a',
    '###### deep',
    '```',
    '~~~',
    '```mermaid',
    '|--|',
    '',
    '[x](y)',
    'text '.repeat(9),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string({ unit: 'binary' }))), (lines) => {
      for (const { text } of splitMarkdown('x.md', lines.join('\n'))) {
        expect(text.length).toBeGreaterThanOrEqual(20);
      }
    }),
  );
});
