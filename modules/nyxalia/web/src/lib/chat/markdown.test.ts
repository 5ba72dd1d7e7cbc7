import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Block, type Inline, readMarkdown } from './markdown.js';

function links(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'href' in value ? [String(value.href)] : [];
  return [...own, ...Object.values(value).flatMap(links)];
}
function kinds(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'kind' in value ? [String(value.kind)] : [];
  return [...own, ...Object.values(value).flatMap(kinds)];
}
function text(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  if ('text' in value) return String(value.text);
  return Object.values(value).map(text).join('');
}
const inlinesOf = (source: string): Inline[] => {
  const [first] = readMarkdown(source);
  return first?.kind === 'paragraph' ? first.inlines : [];
};

describe('Markdown', () => {
  test('is read as people write it', () => {
    const source =
      '# Title\n\nA **bold** and *soft* `code` word.\n\n- one\n- two\n\n1. a\n\n```js\nlet a = 1 < 2;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> said\n\n---';
    expect(readMarkdown(source).map(({ kind }: Block) => kind)).toEqual([
      'heading',
      'paragraph',
      'list',
      'list',
      'code',
      'table',
      'quote',
      'rule',
    ]);
    expect(readMarkdown(source)[4]).toEqual({ kind: 'code', text: 'let a = 1 < 2;', language: 'js' });
  });

  test('HTML stays text', () => {
    const source =
      '<script>alert(1)</script>\n\nhello <img src=x onerror=alert(1)> <b>bold</b>\n\n<div onclick="x()">block</div>';
    const tree = readMarkdown(source);
    expect(new Set(kinds(tree))).toEqual(new Set(['paragraph', 'text']));
    expect(text(tree)).toContain('<script>alert(1)</script>');
    expect(text(tree)).toContain('<img src=x onerror=alert(1)>');
  });

  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>1</script>',
    'vbscript:x',
    'file:///etc/passwd',
    '/ledger/erase',
    '#/settings',
    '//host.example/x',
  ])('a link to %s leads nowhere', (target) => {
    expect(links(readMarkdown(`[press](${target}) ![picture](${target}) <${target}>`))).toEqual([]);
    expect(links(readMarkdown(`[press][1]\n\n[1]: ${target}`))).toEqual([]);
  });

  test('a link to the web is one, and a picture is fetched from nowhere: it becomes a link', () => {
    expect(links(readMarkdown('[a](https://example.org/x)'))).toEqual(['https://example.org/x']);
    const tree = readMarkdown('![a kitten](https://example.org/kitten.png?secret=1)');
    expect(kinds(tree)).toEqual(['paragraph', 'link', 'text']);
    expect(text(tree)).toBe('a kitten');
  });

  test('entities are characters, once', () => {
    expect(inlinesOf('&lt;b&gt; &amp;lt; 5 > 3')).toEqual([{ kind: 'text', text: '<b> &lt; 5 > 3' }]);
  });

  test('what nests without end is shown as it is', () => {
    for (const source of [
      '>'.repeat(50_000),
      `${'['.repeat(20_000)}a`,
      '*'.repeat(50_000),
      `${'- '.repeat(5000)}a`,
      'x'.repeat(300_000),
    ])
      expect(text(readMarkdown(source)).length).toBeGreaterThan(0);
  });

  test('any text gives a tree of the known kinds, without a target but web and mail', () => {
    const known = new Set([
      'paragraph',
      'heading',
      'quote',
      'list',
      'code',
      'table',
      'rule',
      'text',
      'strong',
      'em',
      'del',
      'link',
      'break',
    ]);
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        '<',
        '[a](',
        'javascript:',
        ')',
        '**',
        '`',
        '> ',
        '- ',
        '\n',
        '|',
        '<svg/onload=',
        '&#106;',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const tree = readMarkdown(pieces.join(''));
        for (const kind of kinds(tree)) expect(known).toContain(kind);
        for (const href of links(tree)) expect(href).toMatch(/^(https?|mailto):/);
      }),
    );
  });
});
