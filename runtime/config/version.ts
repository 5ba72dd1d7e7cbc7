import { readFileSync } from 'node:fs';

let version: string | undefined;

/** Version of the package, read once from its package.json. */
export function packageVersion(): string {
  if (version === undefined) {
    // dist/runtime/config/ lies three levels below the package's root.
    const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    const found: unknown = (JSON.parse(text) as { version?: unknown }).version;
    if (typeof found !== 'string') throw new Error('package.json names no version');
    version = found;
  }
  return version;
}
