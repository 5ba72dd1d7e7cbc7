import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../../runtime/contracts/clock.js';
import { openDataFolder } from '../../runtime/data-folder/data-folder.js';

const missing = 'Could not locate the bindings file. Tried: …';
vi.mock('../../runtime/contracts/sqlite.js', () => ({
  Database: class {
    constructor() {
      throw new Error(missing);
    }
  },
}));

test('a native module that does not load is not called a fault of the folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
  try {
    const opening = openDataFolder(folder, { address: 'here', version: '0', clock: systemClock });
    await expect(opening).rejects.toThrow(new Error(missing));
  } finally {
    await rm(folder, { recursive: true });
  }
});
