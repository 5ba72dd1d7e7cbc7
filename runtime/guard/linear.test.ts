import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/**
 * Every regular expression of the guard, checked for linear time on any text: no quantifier without bound around or
 * beside another one, and one without bound only where nothing can fail after it or where the pattern is anchored.
 */
function literals(): { where: string; source: string }[] {
  const folder = new URL('.', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /\.js$/.test(file) && !/(?:\.test|suite)\.js$/.test(file))
    .flatMap((file) => {
      const found: { where: string; source: string }[] = [];
      const source = ts.createSourceFile(
        file,
        readFileSync(new URL(file, folder), 'utf8'),
        ts.ScriptTarget.ESNext,
      );
      const visit = (node: ts.Node): void => {
        if (ts.isRegularExpressionLiteral(node))
          found.push({ where: file, source: node.text.replace(/^\/|\/[a-z]*$/g, '') });
        ts.forEachChild(node, visit);
      };
      visit(source);
      return found;
    });
}

interface Group {
  unbounded: boolean;
  /** Most steps of the alternative that is being read, and of the worst before it. */
  work: number;
  others: number;
}

const newGroup = (): Group => ({ unbounded: false, work: 1, others: 1 });
const steps = (group: Group) => Math.max(group.work, group.others);

/** Why a pattern may take more than linear time; undefined when it cannot. */
function danger(source: string): string | undefined {
  // One atom each: an escape, a class, or the opening of a group.
  const token =
    /\\u\{[0-9a-f]+\}|\\p\{\w+\}|\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|:)|[*+?]\??|\{\d+(?:,\d*)?\}|[\s\S]/gi;
  const groups = [newGroup()];
  let unboundedEnd = -1;
  let last = newGroup();
  for (const { 0: part, index } of source.matchAll(token)) {
    const group = groups.at(-1);
    if (group === undefined) return 'unbalanced';
    if (part.startsWith('(')) {
      groups.push(newGroup());
      continue;
    }
    if (part === '|') {
      group.others = Math.max(group.others, group.work);
      group.work = 1;
      last = newGroup();
      continue;
    }
    if (part === ')') {
      last = groups.pop() ?? last;
      const outer = groups.at(-1);
      if (outer === undefined) return 'unbalanced';
      outer.unbounded ||= last.unbounded;
      outer.work *= steps(last);
      continue;
    }
    const most = repeats(part);
    if (most === undefined) {
      last = newGroup();
      continue;
    }
    if (most > 1 && last.unbounded) return 'a quantifier around an unbounded one';
    if (most === Number.POSITIVE_INFINITY) {
      if (group.unbounded || unboundedEnd >= 0) return 'two unbounded quantifiers';
      group.unbounded = true;
      unboundedEnd = index + part.length;
    } else group.work *= most;
    last = newGroup();
  }
  const work = steps(groups[0] ?? newGroup());
  if (work > 1_000_000) return `up to ${work} steps from one place`;
  if (unboundedEnd >= 0 && unboundedEnd < source.length && !source.startsWith('^'))
    return 'an unbounded quantifier that can fail';
  return undefined;
}

function repeats(part: string): number | undefined {
  if (/^[*+]/.test(part)) return Number.POSITIVE_INFINITY;
  if (part.startsWith('?')) return 1;
  const bounds = /^\{(\d+)(,?)(\d*)\}$/.exec(part);
  if (bounds === null) return undefined;
  if (bounds[2] === '') return Number(bounds[1]);
  return bounds[3] === '' ? Number.POSITIVE_INFINITY : Number(bounds[3]);
}

describe('regular expressions', () => {
  it.each([
    ['(a+)+', true],
    ['(?:a*b)*', true],
    ['a+b', true],
    ['a{2,}b+', true],
    ['(?:a{1,100}){1,100}', false],
    ['(?:a{1,100}){1,100}b{1,1000}', true],
    ['^[a+]*b', false],
    ['\\++', false],
    ['[+*]{1,8}x', false],
  ])('%j is dangerous: %s', (source, expected) => {
    expect(danger(source) !== undefined).toBe(expected);
  });

  it('of the guard take linear time', () => {
    const all = literals();
    expect(all.length).toBeGreaterThan(20);
    expect(
      all
        .map((found) => ({ ...found, danger: danger(found.source) }))
        .filter((found) => found.danger !== undefined),
    ).toEqual([]);
  });
});
