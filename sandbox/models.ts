import { closeSync, existsSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';

export type ModelFile = { file: string; id: string } | { problem: string };

const hint = 'put one *.gguf file there, or set engines.embedded.model_file';

/** The GGUF file of the embedded engine: the configured one, else the chosen one of the folder, else the only one there. */
export function findModelFile(
  configured: string | undefined,
  folder: string,
  chosen?: string | undefined,
): ModelFile {
  if (configured !== undefined) return checked(resolve(configured), 'engines.embedded.model_file');
  const here = resolve(folder);
  if (!existsSync(here)) return { problem: `There is no folder ${here}: ${hint}.` };
  // A link leads out of the folder, to what its owner may change; so does a name with a dot, which is a part of a download.
  const files = readdirSync(here)
    .filter((name) => name.toLowerCase().endsWith('.gguf') && !name.startsWith('.'))
    .filter((name) => lstatSync(join(here, name)).isFile())
    .sort();
  if (chosen !== undefined) {
    if (files.includes(`${chosen}.gguf`)) return checked(join(here, `${chosen}.gguf`), 'the model');
    return {
      problem: `The model ${chosen} is not in ${here} any more: choose one with "arkalia models default".`,
    };
  }
  const [only, second] = files;
  if (only === undefined) return { problem: `There is no model in ${here}: ${hint}.` };
  if (second !== undefined)
    return {
      problem: `There are ${files.length} models in ${here}: choose one with "arkalia models default NAME".`,
    };
  return checked(join(here, only), 'the model');
}

/** Reads the four letters that every GGUF file begins with. */
function checked(file: string, what: string): ModelFile {
  try {
    if (firstLetters(file) !== 'GGUF') return { problem: `${what} is not a GGUF file: ${file}.` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return { problem: `${what} cannot be read: ${file} (${code}).` };
  }
  return { file, id: basename(file).replace(/\.gguf$/i, '') };
}

function firstLetters(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const letters = Buffer.alloc(4);
    return letters.toString('latin1', 0, readSync(handle, letters, 0, 4, 0));
  } finally {
    closeSync(handle);
  }
}

/** Whether a package is installed beside this program; nothing of it is loaded. */
export function isInstalled(packageName: string): boolean {
  const folders = createRequire(import.meta.url).resolve.paths(packageName) ?? [];
  return folders.some((folder) => existsSync(join(folder, packageName, 'package.json')));
}

/** What to do when the package that runs models is missing. */
export const notInstalled =
  'The optional package node-llama-cpp is not installed; run `npm install node-llama-cpp@3.21.1`.';
