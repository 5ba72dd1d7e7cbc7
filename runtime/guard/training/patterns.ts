import { pick } from './random.js';

/**
 * One text of a pattern: each choice `⟦a|b|c⟧` becomes one of its texts, in which choices may stand again. What an empty text leaves
 * behind (two spaces, a space before a full stop) goes.
 */
export function expand(pattern: string, random: () => number): string {
  let text = pattern;
  for (;;) {
    const open = text.lastIndexOf('⟦');
    if (open < 0) break;
    const close = text.indexOf('⟧', open);
    if (close < 0) throw new Error(`a choice is not closed: ${pattern}`);
    text = text.slice(0, open) + pick(text.slice(open + 1, close).split('|'), random) + text.slice(close + 1);
  }
  return text
    .replace(/ {2,}/g, ' ')
    .replace(/ ([.,])/g, '$1')
    .trim();
}

/** Up to `count` different texts of a pattern. */
export function expandAll(pattern: string, count: number, random: () => number): string[] {
  const texts = new Set<string>();
  for (let tries = 0; texts.size < count && tries < count * 3; tries++) texts.add(expand(pattern, random));
  return [...texts];
}
