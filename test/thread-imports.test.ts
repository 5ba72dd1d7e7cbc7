import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/**
 * What threads and child processes import when they start. A package there is loaded once more for each of them, which on a small computer
 * takes part of a second and some megabytes: the schemas of routes, say, that came along with a constant.
 */

const dist = fileURLToPath(new URL('../', import.meta.url));

const programs = ['runtime', 'sandbox', 'core-wasm']
  .flatMap((room) =>
    readdirSync(join(dist, room), { recursive: true, encoding: 'utf8' }).map((name) => join(room, name)),
  )
  .filter((name) => name.endsWith('.js') && !name.endsWith('.test.js'));

const textOf = (program: string) => readFileSync(join(dist, program), 'utf8');

/** Those that another program starts by their place beside it; the command starts itself. */
const started = programs
  .flatMap((program) =>
    [...textOf(program).matchAll(/new URL\('\.\/([\w-]+\.js)', import\.meta\.url\)/g)].map(([, name]) =>
      join(dirname(program), name!),
    ),
  )
  .filter((program) => program !== 'runtime/cli/main.js');

/** The files and packages that a program imports before it runs, with theirs. */
function importsOf(first: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set([first]);
  const packages = new Set<string>();
  for (const file of files) {
    for (const [, name] of textOf(file).matchAll(/^(?:import|export .* from|import .* from) '([^']+)';$/gm)) {
      if (name!.startsWith('.')) files.add(join(dirname(file), name!));
      else if (!name!.startsWith('node:')) packages.add(name!);
    }
  }
  return { files, packages };
}

/** What a program is there for. */
const purpose: Record<string, string[]> = { 'sandbox/script-host.js': ['quickjs-emscripten-core'] };

it.each([...new Set(started)].sort())('%s imports no package that it is not there for', (program) => {
  expect([...importsOf(program).packages]).toEqual(purpose[program] ?? []);
});

it('sees what is imported by way of others', () => {
  expect(started).toContain('runtime/ledger/reader.js');
  expect(importsOf('runtime/ledger/reader.js').files.size).toBeGreaterThan(20);
  expect(importsOf('runtime/cli/serve.js').packages).toContain('zod');
});
