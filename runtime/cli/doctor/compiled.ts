import { readFile } from 'node:fs/promises';
import type { Check } from './finding.js';

/** Files that threads and processes start from, relative to the root of what is built. */
const needed = ['runtime/main.js', 'runtime/ledger/writer.js', 'runtime/core/worker.js', 'sandbox/worker.js'];
const root = new URL('../../../', import.meta.url);

/** Whether what `npm run build` makes is there, and the hot core is a module this Node accepts. */
export const compiledCheck: Check = {
  name: 'compiled files',
  run: async () => {
    const missing: string[] = [];
    for (const file of [...needed, 'core-wasm/core.wasm']) {
      if ((await contentOf(file)) === undefined) missing.push(file);
    }
    const todo = 'Run: npm run build';
    if (missing.length > 0) {
      return [{ check: 'compiled files', level: 'fatal', found: `missing: ${missing.join(', ')}`, todo }];
    }
    const core = await contentOf('core-wasm/core.wasm');
    if (core === undefined || !WebAssembly.validate(core)) {
      return [
        { check: 'compiled files', level: 'fatal', found: 'core.wasm is damaged or not for this Node', todo },
      ];
    }
    return [{ check: 'compiled files', level: 'ok', found: 'all there; the hot core is valid' }];
  },
};

async function contentOf(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await readFile(new URL(file, root)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
