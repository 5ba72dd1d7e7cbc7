import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../../test/ledger-faults/shim.c', import.meta.url));

/** Whether the shim can be made here; where not, that is said aloud, since what needs it is not tested then. */
export const hasShim =
  process.platform === 'linux' && spawnSync('gcc', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasShim) {
  console.warn(
    'NOT TESTED: disk faults, slow disks and power cuts, because there is no gcc on Linux here to compile test/ledger-faults/shim.c.',
  );
}

const fields = { failAt: 0, forever: 4, error: 8, calls: 12, injected: 16, delayUs: 20, syncs: 24 } as const;
type Field = keyof typeof fields;
const bytesAt = 32;
const controlBytes = 64;

/** The file through which a test and the shim in another process (or in this one) speak; see shim.c. */
export class ShimControl {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r+');
  }

  get(field: Field): number {
    const word = Buffer.alloc(4);
    readSync(this.#fd, word, 0, 4, fields[field]);
    return word.readUInt32LE();
  }

  set(values: Partial<Record<Field, number>>): void {
    for (const [field, value] of Object.entries(values)) {
      const word = Buffer.alloc(4);
      word.writeUInt32LE(value);
      writeSync(this.#fd, word, 0, 4, fields[field as Field]);
    }
  }

  /** From now on: the call `failAt` (counted from 1) fails, or all from it on. */
  arm(failAt: number, fault: { error: keyof typeof constants.errno; forever: boolean }): void {
    const { error, forever } = fault;
    this.set({ failAt: 0, error: constants.errno[error], forever: forever ? 1 : 0, calls: 0, injected: 0 });
    this.set({ failAt });
  }

  bytes(): number {
    const word = Buffer.alloc(8);
    readSync(this.#fd, word, 0, 8, bytesAt);
    return Number(word.readBigUInt64LE());
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The compiled shim in a folder of its own, with its control file, a data folder and a place for what the disk would hold. */
export class Shim {
  readonly folder = mkdtempSync(join(tmpdir(), 'arkalia-shim-'));
  readonly dataDir = join(this.folder, 'data');
  readonly shadowDir = join(this.folder, 'shadow');
  readonly control: ShimControl;
  readonly #library = join(this.folder, 'shim.so');
  readonly #controlFile = join(this.folder, 'control');

  constructor() {
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', this.#library, source, '-ldl', '-lpthread']);
    for (const folder of [this.dataDir, this.shadowDir]) mkdirSync(folder, { mode: 0o700 });
    writeFileSync(this.#controlFile, Buffer.alloc(controlBytes));
    this.control = new ShimControl(this.#controlFile);
  }

  /** For the process that gets such a disk. */
  env({ shadow }: { shadow: boolean }): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      SHIM_DIR: this.dataDir,
      SHIM_CONTROL: this.#controlFile,
      ...(shadow ? { SHIM_SHADOW: this.shadowDir } : {}),
    };
  }

  /** Everything that is written now is on the disk. */
  settle(): void {
    rmSync(this.shadowDir, { recursive: true });
    cpSync(this.dataDir, this.shadowDir, { recursive: true });
  }

  remove(): void {
    this.control.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
