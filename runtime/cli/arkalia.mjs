#!/usr/bin/env node
// The command: builds what is missing or older than its sources when run from a checkout, then hands over to the compiled program.
// Plain JavaScript, because it must run before anything is compiled.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const rooms = ['core-wasm', 'runtime', 'modules', 'sandbox'];
const stamp = join(root, 'dist', '.built');

/** Newest change of any source, in milliseconds. */
function newestSource() {
  let newest = 0;
  const look = (path) => {
    const entry = statSync(path);
    if (!entry.isDirectory()) newest = Math.max(newest, entry.mtimeMs);
    else for (const name of readdirSync(path)) look(join(path, name));
  };
  for (const name of [...rooms, 'package.json', 'tsconfig.json']) look(join(root, name));
  return newest;
}

function fail(...lines) {
  for (const line of lines) console.error(line);
  process.exit(1);
}

function run(what, script, args) {
  const began = Date.now();
  process.stderr.write(`Building ${what} … `);
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail('failed.', 'The messages above say why.');
  process.stderr.write(`done in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
}

function build() {
  const require = createRequire(import.meta.url);
  const bin = (name, command) => {
    try {
      const file = require.resolve(`${name}/package.json`);
      return join(dirname(file), JSON.parse(readFileSync(file, 'utf8')).bin[command]);
    } catch {
      return fail(`The package ${name} is not installed. Run "npm ci" in ${root}, then try again.`);
    }
  };
  const asc = bin('assemblyscript', 'asc');
  const tsc = bin('typescript', 'tsc');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('the hot core (WebAssembly)', asc, [
    'core-wasm/assembly/index.ts',
    '--config',
    'core-wasm/asconfig.json',
    '--target',
    'release',
  ]);
  run('the program (TypeScript)', tsc, ['-p', '.']);
  writeFileSync(stamp, '');
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node ${process.versions.node} is too old: Arkalia-LUNA needs 20.19 or later.`);

const isCheckout = existsSync(join(root, 'tsconfig.json'));
if (isCheckout && !(existsSync(stamp) && statSync(stamp).mtimeMs >= newestSource())) build();

await import('../../dist/runtime/cli/main.js');
