import { lstatSync } from 'node:fs';
import { basename } from 'node:path';
import type { ModelPins } from './options.js';
import type { ModelReading } from './types.js';

/**
 * Holds a model to the hash that it was added with, before it is loaded. A file that is byte for byte what was verified, by inode, size and
 * both times, is not hashed again in this run: the time of the inode's change cannot be set back without root.
 */
export class PinnedModels {
  readonly #pins: ModelPins | undefined;
  readonly #read: (file: string) => Promise<ModelReading>;
  readonly #verified = new Map<string, string>();

  constructor(pins: ModelPins | undefined, read: (file: string) => Promise<ModelReading>) {
    this.#pins = pins;
    this.#read = read;
  }

  /** Why a file must not be loaded; undefined for one that is as it was added, and for one that never was. */
  async refusal(file: string): Promise<string | undefined> {
    const pin = this.#pins?.pin(file);
    if (pin === undefined) return undefined;
    const name = basename(file);
    try {
      const identity = `${pin.sha256} ${identityOf(file)}`;
      if (this.#verified.get(file) === identity) return undefined;
      this.#verified.delete(file);
      const { sha256 } = await this.#read(file);
      if (sha256 !== pin.sha256)
        return `The model file ${name} is not what was added: its SHA-256 is ${sha256}, not ${pin.sha256}. Remove it and add it again.`;
      if (identity !== `${pin.sha256} ${identityOf(file)}`)
        return `The model file ${name} changed while it was verified.`;
      this.#verified.set(file, identity);
      return undefined;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      return `The model file ${name} cannot be verified (${code}).`;
    }
  }
}

function identityOf(file: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = lstatSync(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
