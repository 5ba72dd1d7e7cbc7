import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The library that moves the wall clock of one process (`apt-get install faketime`); undefined where it is not. */
export function faketimeLibrary(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const roots = ['/usr/lib', '/usr/local/lib'].filter((path) => existsSync(path));
  const folders = roots.flatMap((path) => [path, ...readdirSync(path).map((name) => join(path, name))]);
  return folders.map((path) => join(path, 'faketime', 'libfaketimeMT.so.1')).find((path) => existsSync(path));
}

/** A wall clock of one process that can be set while it runs, never the machine's; the monotonic clock goes on as it is. */
export class WallClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'arkalia-clock-'));
  readonly #file = join(this.#folder, 'offset');
  /** For the process. */
  readonly env: Record<string, string>;

  constructor() {
    this.set('+0');
    this.env = {
      LD_PRELOAD: faketimeLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    };
  }

  /** Such as `+1d`; seen within a second. */
  set(offset: string): void {
    writeFileSync(this.#file, offset);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
