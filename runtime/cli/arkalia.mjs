#!/usr/bin/env node
// Plain JavaScript, so that it runs before anything is built. In a source checkout it builds what is missing or older than its
// sources; in an installed package it only starts.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const entry = join(root, 'dist/runtime/cli/main.js');
/** Touched after each build that this file made. */
const stamp = join(root, 'dist/.arkalia-built');
const sourceFolders = ['core-wasm', 'runtime', 'modules', 'sandbox'];
const sourceFiles = ['package.json', 'tsconfig.json'];
/** The local programs that `npm run build` runs, by the name its scripts use. */
const programs = {
  tsc: join(root, 'node_modules/typescript/bin/tsc'),
  asc: join(root, 'node_modules/assemblyscript/bin/asc.js'),
  vite: join(root, 'node_modules/vite/bin/vite.js'),
};
/** The scripts of package.json that a build runs, at the same time, and what each leaves behind as its last. */
const outputsOf = {
  'build:wasm': 'dist/core-wasm/core.wasm',
  'build:ts': 'dist/.tsbuildinfo',
  'build:web': 'dist/modules/nyxalia/web/index.html',
};

const stop = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

checkNode();
checkDependencies();
if (isCheckout() && !isCurrent()) await build();
if (!existsSync(entry)) stop('Arkalia is not built here. Run "npm ci", then this command again.');
await import(pathToFileURL(entry).href);

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  stop(`Arkalia needs Node 20.19 or later; this is ${process.versions.node}.`);
}

function checkDependencies() {
  try {
    createRequire(import.meta.url).resolve('commander');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    stop('The dependencies of Arkalia are not installed. Run "npm ci", then this command again.');
  }
}

/** Sources and all compilers are here. Without them (an image, an installed package) what is built is used as it is. */
function isCheckout() {
  const sources = existsSync(join(root, 'runtime/cli/main.ts')) && existsSync(join(root, 'tsconfig.json'));
  return sources && Object.values(programs).every((file) => existsSync(file));
}

/** Whether every output is there and newer than the newest source; `npm run build` makes its outputs without our stamp. */
function isCurrent() {
  const outputs = Object.values(outputsOf).map((file) => join(root, file));
  if (![...outputs, entry].every((file) => existsSync(file))) return false;
  const builtMs = Math.max(
    existsSync(stamp) ? statSync(stamp).mtimeMs : 0,
    Math.min(...outputs.map((file) => statSync(file).mtimeMs)),
  );
  return newestSourceMs() <= builtMs;
}

/** A folder's own time counts too: it tells of files that are gone. */
function newestSourceMs() {
  let newest = Math.max(...sourceFiles.map((file) => statSync(join(root, file)).mtimeMs));
  for (const folder of sourceFolders) {
    const path = join(root, folder);
    newest = Math.max(newest, statSync(path).mtimeMs);
    for (const name of readdirSync(path, { recursive: true })) {
      newest = Math.max(newest, statSync(join(path, name)).mtimeMs);
    }
  }
  return newest;
}

async function build() {
  const startedMs = performance.now();
  const beganAt = new Date();
  process.stderr.write(
    'Arkalia: building TypeScript, WASM and the web page (only after a change of the sources) …\n',
  );
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const failures = (await Promise.all(Object.keys(outputsOf).map((name) => compile(scripts[name])))).filter(
    Boolean,
  );
  if (failures.length > 0) {
    // A compiler writes its outputs in spite of errors; without this one the next start builds again.
    rmSync(join(root, 'dist/.tsbuildinfo'), { force: true });
    stop(failures.join('\n'));
  }
  writeFileSync(stamp, `${beganAt.toISOString()}\n`);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stderr.write(`Arkalia: built in ${seconds} s.\n`);
}

/** Runs a build script of package.json, a compiler's name and its arguments. Answers with what went wrong, if anything did. */
function compile(script) {
  const [name, ...args] = script.split(' ');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [programs[name], ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve(`${script}: ${error.message}`));
    child.on('close', (code, signal) => {
      resolve(
        code === 0 ? undefined : `${output}\nThe build failed: ${script} (${signal ?? `exit code ${code}`}).`,
      );
    });
  });
}
