import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hasShim, Shim } from '../../../ledger-faults/shim.js';
import type { TestAppliance } from '../../../support/appliance.js';
import type { FaultKind, Scene } from '../kind.js';
import { chats, decides, until, untilRestored } from '../restored.js';
import { startBreakable } from '../servers.js';

/** How long the disk refuses. */
const outageMs = 500;

/** The disk refuses and later takes again, which is when the way back can be known. */
function storageScene(
  appliance: TestAppliance,
  disk: { refuse(): void; take(): void; remove(): void },
): Scene {
  return {
    async round(random) {
      await until(async () => (await decides(appliance)) && (await chats(appliance)), 'a decision');
      disk.refuse();
      const faultMs = performance.now();
      try {
        await until(async () => !(await decides(appliance)), 'a refusal');
        await pause(random() * outageMs);
        const health = await fetch(`${appliance.url}/health`);
        if (!health.ok) throw new Error('health was not answered');
      } finally {
        disk.take();
      }
      return untilRestored(
        { faultMs, knownMs: performance.now() },
        async () => (await decides(appliance)) && (await chats(appliance)),
      );
    },
    async close() {
      await appliance.close();
      disk.remove();
    },
  };
}

const again = 'the next attempt of the ledger, 0.25 s after the first, then twice as long each';

export const diskFull: FaultKind = {
  name: 'disk full',
  about:
    'The data folder is a tmpfs of 96 MB that a file fills; known when room is made, restored when a decision is durable and a prompt answered',
  waitsFor: again,
  missing: () =>
    process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'needs root, to mount a tmpfs',
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m,mode=700', 'tmpfs', folder]);
    const filler = join(folder, 'filler');
    const remove = () => {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    };
    try {
      const appliance = await startBreakable({ ARKALIA_LEDGER_SIZE_LIMIT_BYTES: '50000000' }, [], folder);
      return storageScene(appliance, {
        refuse: () => {
          const block = Buffer.alloc(1_048_576, 1);
          try {
            for (;;) writeFileSync(filler, block, { flag: 'a' });
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          }
        },
        take: () => rmSync(filler, { force: true }),
        remove,
      });
    } catch (error) {
      remove();
      throw error;
    }
  },
};

export const readOnly: FaultKind = {
  name: 'file system read-only',
  about:
    'Every write and sync of the data folder is answered EROFS (a library loaded before the server); known when it takes again, restored as above',
  waitsFor: again,
  missing: () => (hasShim ? undefined : 'needs gcc on Linux, for the library'),
  open: async () => {
    const shim = new Shim();
    try {
      const appliance = await startBreakable(shim.env({ shadow: false }), [], shim.dataDir);
      return storageScene(appliance, {
        refuse: () => shim.control.arm(1, { error: 'EROFS', forever: true }),
        take: () => shim.control.set({ failAt: 0 }),
        remove: () => shim.remove(),
      });
    } catch (error) {
      shim.remove();
      throw error;
    }
  },
};
