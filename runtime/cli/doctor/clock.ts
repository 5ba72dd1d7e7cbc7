import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Check } from './finding.js';

/** No build of this program is older. */
const earliestMs = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;

/** Whether the clock is behind the build: a Raspberry Pi without a clock battery starts in the past. */
export const clockCheck: Check = {
  name: 'clock',
  run: ({ clock }) => {
    const builtMs = Math.max(earliestMs, statSync(fileURLToPath(import.meta.url)).mtimeMs);
    const now = clock.wallMs();
    const found = `${new Date(now).toISOString().slice(0, 16)}Z`;
    if (now >= builtMs - dayMs) return [{ check: 'clock', level: 'ok', found }];
    return [
      {
        check: 'clock',
        level: 'warning',
        found: `${found}, which is before this program was built`,
        todo: 'Set the clock (timedatectl set-ntp true, or date -s). Times in the ledger are wrong until then; intervals are not.',
      },
    ];
  },
};
