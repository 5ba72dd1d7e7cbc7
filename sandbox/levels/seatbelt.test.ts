import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { seatbeltLauncher, seatbeltProfile } from './seatbelt.js';

// There is no Mac here: the profile is read as text, never run. At start a Mac tries it, and takes level process when it does not work.

const entry = new URL('../worker.js', import.meta.url);
const dist = realpathSync(fileURLToPath(new URL('../../', import.meta.url)));
const node = '/opt/homebrew/Cellar/node/24.0.0/bin/node';
const limits = { memoryBytes: 268_435_456 };
const worker = seatbeltProfile({ entry, limits: { ...limits, kind: 'worker' } }, node);
const model = seatbeltProfile(
  { entry, limits: { ...limits, kind: 'model' }, files: [fileURLToPath(import.meta.url)] },
  node,
);

/** Reads a profile as the Scheme that it is: lists of words and strings. */
function parse(text: string): unknown[] {
  const lists: unknown[][] = [[]];
  for (const [token] of text.matchAll(/\(|\)|"(?:[^"\\]|\\.)*"|[^\s()"]+/g)) {
    const top = lists.at(-1) as unknown[];
    if (token === '(') lists.push([]);
    else if (token === ')') {
      lists.pop();
      (lists.at(-1) as unknown[]).push(top);
    } else top.push(token.startsWith('"') ? (JSON.parse(token) as string) : token);
  }
  expect(lists).toHaveLength(1);
  return lists[0] as unknown[];
}

describe.each([
  ['worker', worker],
  ['model', model],
])('the profile of a %s', (_kind, profile) => {
  const rules = parse(profile) as string[][];

  it('is of version 1 and denies first whatever it does not allow', () => {
    expect(rules[0]).toEqual(['version', '1']);
    expect(rules[1]).toEqual(['deny', 'default']);
    for (const [verdict] of rules.slice(1)) expect(['allow', 'deny']).toContain(verdict);
  });

  it('allows no network and no write', () => {
    expect(rules).toContainEqual(['deny', 'network*']);
    for (const [verdict, ...operations] of rules)
      if (verdict === 'allow')
        for (const operation of operations.filter((one) => typeof one === 'string'))
          expect(operation).not.toMatch(/^(network|file-write|file\*|default|process\*|mach\*)/);
  });

  it('becomes nothing but Node and the shell that limits it', () => {
    expect(rules.filter((rule) => rule[1] === 'process-exec')).toEqual([
      ['allow', 'process-exec', ['literal', node], ['literal', '/bin/sh']],
    ]);
  });

  it('reads below the program and the system libraries only', () => {
    const trees = rules.flatMap((rule) =>
      rule.filter((part) => Array.isArray(part) && part[0] === 'subpath').map((part) => part[1]),
    );
    expect(trees).toContain(`${dist}/sandbox`);
    for (const tree of trees) expect(tree).not.toMatch(/^\/(etc|private|var|Users|home|root|data)?$/);
  });
});

it('lets a worker start no process, and a model read its file', () => {
  expect(worker).not.toContain('process-fork');
  expect(worker).not.toContain('iokit');
  expect(model).toContain('(allow process-fork)');
  expect(model).toContain('seatbelt.test.js');
});

it('writes a path with quotes so that it ends where it should', () => {
  const odd = seatbeltProfile({ entry, limits: { ...limits, kind: 'worker' } }, '/a"b\\c');
  expect(odd).toContain(String.raw`(literal "/a\"b\\c")`);
  parse(odd);
});

it('is handed to sandbox-exec, behind the limits of the shell', () => {
  const launcher = seatbeltLauncher({ permissions: null, cpuSeconds: 300 });
  const { program, args } = launcher.command({ entry, limits: { ...limits, kind: 'worker' } });
  expect(program).toBe('/bin/sh');
  expect(args[1]).toMatch(/^ulimit -c 0 && .*ulimit -t 300 && exec "\$@"$/);
  expect(args.slice(3, 5)).toEqual(['/usr/bin/sandbox-exec', '-p']);
  expect(args.slice(6, 8)).toEqual(['/usr/bin/env', '-i']);
});
