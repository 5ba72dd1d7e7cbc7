import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILES_MAX = 64;
const FILE_BYTES_MAX = 1_048_576;

/** The folder with package.json at or above `start`. @throws when there is none. */
export function packageRoot(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error(`no package.json at or above ${start}`);
    folder = above;
  }
  return folder;
}

/** The first megabyte of a file. */
function readStart(path: string): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(FILE_BYTES_MAX);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, FILE_BYTES_MAX, 0));
  } finally {
    closeSync(file);
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.md'))
        .sort()
    : [];
}

export interface DocumentFile {
  /** Path within the package, such as `docs/api.md`. */
  name: string;
  markdown: string;
}

/** README.md, ARCHITECTURE.md and docs/*.md as they ship with the program; those that are there. Read once, at provision. */
export function readShippedDocs(root = packageRoot(dirname(fileURLToPath(import.meta.url)))): DocumentFile[] {
  const names = [
    'README.md',
    'ARCHITECTURE.md',
    ...namesIn(join(root, 'docs')).map((name) => `docs/${name}`),
  ];
  return names
    .filter((name) => existsSync(join(root, name)))
    .slice(0, FILES_MAX)
    .map((name) => ({ name, markdown: readStart(join(root, name)) }));
}
