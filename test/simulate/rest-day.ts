// A process of its own, so that /proc/self/io tells what this one run writes; rest.ts starts it.
import { fsyncSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../../runtime/contracts/sqlite.js';
import { ShimControl } from '../ledger-faults/shim.js';
import { writtenBytes } from '../support/written-bytes.js';
import { type RestDay, type RestOptions, startMs } from './rest.js';
import { simulate } from './simulate.js';

const { folder, ...options } = JSON.parse(process.argv[2]!) as RestOptions & { folder: string };
const { hours } = options;
const hourMs = 3_600_000;
const { SHIM_CONTROL } = process.env;
const shim = SHIM_CONTROL === undefined ? undefined : new ShimControl(SHIM_CONTROL);
const found: { syncs: number; bytes: number; io: number | null }[] = [];
/** Linux writes what is mapped and changed after half a minute; in virtual time that would be an hour or more. */
const writeBackMs = 30_000;
/** Syncs that are ours. */
let writtenBack = 0;
let mapped: number | undefined;
let changed = 0n;

function writeBack(): void {
  const { mtimeNs } = statSync(join(folder, 'ledger.sqlite-wal'), { bigint: true });
  if (mtimeNs === changed) return;
  changed = mtimeNs;
  writtenBack++;
  // Stays open: closing it would end the locks that SQLite has on it.
  mapped ??= openSync(join(folder, 'ledger.sqlite-shm'), 'r');
  fsyncSync(mapped);
}

let looks = 0;
const { violation, tail, tookMs } = await simulate({
  ...options,
  hours: hours + (2 * startMs) / hourMs,
  atRest: true,
  folder,
  looks: {
    fromMs: startMs,
    everyMs: writeBackMs,
    look: () => {
      writeBack();
      if ((looks++ * writeBackMs) % hourMs > 0) return;
      const syncs = (shim?.get('syncs') ?? 0) - writtenBack;
      found.push({ syncs, bytes: shim?.bytes() ?? 0, io: writtenBytes('self') });
    },
  },
});
if (violation !== undefined) throw new Error(`${violation.invariant}: ${violation.what}\n${tail.join('\n')}`);

const db = new Database(join(folder, 'ledger.sqlite'), { readonly: true });
const first = db.prepare('SELECT min(time_ms) FROM events').pluck().get() as number;
const events = Object.fromEntries(
  db
    .prepare('SELECT type, count(*) FROM events WHERE time_ms >= ? GROUP BY type ORDER BY 2 DESC')
    .raw()
    .all(first + startMs) as [string, number][],
);
db.close();
const [start, end] = [found[0]!, found.at(-1)!];
const told: RestDay = {
  hours,
  tookMs,
  events,
  disk:
    shim === undefined
      ? null
      : {
          syncs: end.syncs - start.syncs,
          syncsWorstHour: Math.max(...found.slice(1).map(({ syncs }, hour) => syncs - found[hour]!.syncs)),
          bytes: end.bytes - start.bytes,
        },
  ioBytes: start.io === null || end.io === null ? null : end.io - start.io,
};
process.send!(told);
