import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'arkalia-bin-'));
  const source = fileURLToPath(new URL('../../../runtime/cli/arkalia.mjs', import.meta.url));
  mkdirSync(join(root, 'runtime/cli'), { recursive: true });
  copyFileSync(source, join(root, 'runtime/cli/arkalia.mjs'));
  write(
    'package.json',
    JSON.stringify({
      type: 'module',
      scripts: { 'build:ts': 'tsc -p .', 'build:wasm': 'asc x', 'build:web': 'vite build' },
    }),
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const program = "process.stdout.write('ran ' + process.argv.slice(2).join(' '));";
const installDependencies = () => write('node_modules/commander/index.js', '');

/** A checkout whose compilers are small scripts: tsc writes the program, asc the core, vite the page. */
function makeCheckout(tsc = ''): void {
  installDependencies();
  write('tsconfig.json', '{}');
  for (const room of ['core-wasm', 'runtime/cli', 'modules', 'sandbox']) write(`${room}/main.ts`, '');
  const compiler = (files: Record<string, string>) =>
    `import fs from 'node:fs'; import path from 'node:path';
     for (const [file, text] of Object.entries(${JSON.stringify(files)})) {
       fs.mkdirSync(path.dirname(file), { recursive: true }); fs.writeFileSync(file, text);
     }`;
  write(
    'node_modules/typescript/bin/tsc',
    `${compiler({ 'dist/runtime/cli/main.js': program, 'dist/.tsbuildinfo': '' })}${tsc}`,
  );
  write('node_modules/typescript/package.json', '{"type":"module"}');
  write('node_modules/assemblyscript/bin/asc.js', compiler({ 'dist/core-wasm/core.wasm': '' }));
  write('node_modules/assemblyscript/package.json', '{"type":"module"}');
  write('node_modules/vite/bin/vite.js', compiler({ 'dist/modules/nyxalia/web/index.html': '' }));
  write('node_modules/vite/package.json', '{"type":"module"}');
}

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = [join(root, 'runtime/cli/arkalia.mjs'), ...argv];
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, command, { cwd: tmpdir() })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe('arkalia.mjs', () => {
  it('says npm ci when the dependencies are missing', async () => {
    expect(await run()).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('npm ci') });
  });

  it('just runs in a package without sources', async () => {
    installDependencies();
    write('dist/runtime/cli/main.js', program);
    expect(await run('chat', 'a b')).toMatchObject({ code: 0, stdout: 'ran chat a b', stderr: '' });
  });

  it('runs what is built when the compilers are not installed', async () => {
    makeCheckout();
    write('dist/runtime/cli/main.js', program);
    rmSync(join(root, 'node_modules/typescript'), { recursive: true });
    expect(await run()).toMatchObject({ code: 0, stderr: '' });
  });

  it('builds once, says so, and again only after a change', async () => {
    makeCheckout();
    const first = await run('x');
    expect(first).toMatchObject({ code: 0, stdout: 'ran x' });
    expect(first.stderr).toMatch(/building TypeScript, WASM and the web page.*\n.*built in [\d.]+ s\.\n$/);
    expect(await run('x')).toMatchObject({ code: 0, stderr: '' });
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(root, 'modules/main.ts'), later, later);
    expect((await run('x')).stderr).toContain('building');
  });

  it('builds when an output is missing', async () => {
    makeCheckout();
    await run();
    for (const output of ['dist/core-wasm/core.wasm', 'dist/modules/nyxalia/web/index.html']) {
      rmSync(join(root, output));
      expect((await run()).stderr).toContain('building');
      expect(existsSync(join(root, output))).toBe(true);
    }
  });

  it('does not run what failed to build, shows why, and tries again', async () => {
    makeCheckout("console.log('x.ts(1,1): error TS1'); process.exitCode = 2;");
    for (let round = 0; round < 2; round++) {
      const { code, stdout, stderr } = await run();
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('x.ts(1,1): error TS1');
      expect(stderr).toContain('The build failed: tsc -p . (exit code 2)');
    }
  });

  it('ends only when all compilers have ended', async () => {
    makeCheckout('process.exitCode = 2;');
    write(
      'node_modules/assemblyscript/bin/asc.js',
      "setTimeout(() => { require('node:fs').writeFileSync('asc-ended', ''); process.exitCode = 3; }, 500);",
    );
    write('node_modules/assemblyscript/package.json', '{}');
    const { stderr } = await run();
    expect(existsSync(join(root, 'asc-ended'))).toBe(true);
    expect(stderr).toContain('The build failed: tsc -p . (exit code 2)');
    expect(stderr).toContain('The build failed: asc x (exit code 3)');
  });
});
