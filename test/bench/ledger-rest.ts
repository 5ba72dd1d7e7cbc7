import { Shim } from '../ledger-faults/shim.js';
import { budget, type RestDay, restDay } from '../simulate/rest.js';
import { TestAppliance } from '../support/appliance.js';
import { writtenBytes } from '../support/written-bytes.js';

const rounded = (value: number) => Number(value.toPrecision(3));
const aims = (syncsPerHour: number | null, megabytes: number) => ({
  [`at most ${budget.syncsPerHour} syncs/h`]:
    syncsPerHour === null ? 'not counted' : holds(syncsPerHour <= budget.syncsPerHour),
  [`at most ${budget.bytesPerDay * 1e-6} MB/day`]: holds(megabytes * 1e6 <= budget.bytesPerDay),
});
const holds = (is: boolean) => (is ? 'holds' : 'MISSED');

/** What a simulated day without anybody writes, for each seed: the figures against the aim, and what was recorded an hour. */
export async function simulatedRest(seeds: readonly number[], hours: number) {
  const figures: Record<string, unknown>[] = [];
  const recorded: Record<string, unknown>[] = [];
  for (const seed of seeds) {
    const day = await restDay({ seed, hours });
    figures.push({ seed, ...figuresOf(day) });
    const perHour = Object.entries(day.events).map(([type, count]) => [type, rounded(count / hours)]);
    recorded.push({ seed, ...Object.fromEntries(perHour) });
  }
  return { figures, recorded };
}

function figuresOf({ hours, tookMs, events, disk, ioBytes }: RestDay) {
  const perDay = (bytes: number) => rounded((bytes / hours) * 24 * 1e-6);
  const syncs = disk === null ? null : rounded(disk.syncs / hours);
  // A file system of memory writes nothing.
  const io = ioBytes === null || ioBytes === 0 ? null : perDay(ioBytes);
  const called = disk === null ? null : perDay(disk.bytes);
  const megabytes = io ?? called;
  return {
    'simulated hours': hours,
    'took s': rounded(tookMs / 1000),
    'events/h': rounded(Object.values(events).reduce((sum, count) => sum + count, 0) / hours),
    'syncs/h': syncs ?? 'not counted',
    'in the worst hour': disk?.syncsWorstHour ?? 'not counted',
    'MB/day to the data folder': called ?? 'not counted',
    'MB/day by /proc/self/io': io ?? 'not readable',
    ...aims(syncs, megabytes ?? Number.NaN),
  };
}

/**
 * What a real appliance with its sockets and threads writes while nobody asks. Time runs faster by `compressed`: samples come so much more often,
 * and what waits for minutes waits so much less. It looks at the machine that it runs on, and what else moves its load is decided on too. The
 * first seconds, with the start, do not count.
 */
export async function realRest(seconds: number): Promise<Record<string, unknown>> {
  const compressed = 25;
  const shim = new Shim();
  const appliance = await TestAppliance.start({
    dataDir: shim.dataDir,
    env: {
      ...shim.env({ shadow: false }),
      ARKALIA_REFLEXIA_INTERVAL_MS: String(5000 / compressed),
      ARKALIA_ZEROIA_RECORD_INTERVAL_MS: String(300_000 / compressed),
      ARKALIA_SANDOZIA_SNAPSHOT_MS: String(300_000 / compressed),
      ARKALIA_ZEROIA_ACT: 'false',
      ARKALIA_ZEROIA_ADAPT: 'false',
    },
  });
  try {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const pid = appliance.process.pid!;
    const before = { syncs: shim.control.get('syncs'), bytes: shim.control.bytes(), io: writtenBytes(pid) };
    const { ledger: first } = (await appliance.json('/status')) as { ledger: { size: number } };
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const { ledger: last } = (await appliance.json('/status')) as { ledger: { size: number } };
    const hours = (seconds * compressed) / 3600;
    const perDay = (bytes: number) => rounded((bytes / hours) * 24 * 1e-6);
    const io = writtenBytes(pid);
    const syncs = rounded((shim.control.get('syncs') - before.syncs) / hours);
    const called = perDay(shim.control.bytes() - before.bytes);
    const written = io === null || before.io === null ? null : perDay(io - before.io);
    return {
      'hours, compressed': rounded(hours),
      'events/h': rounded((last.size - first.size) / hours),
      'syncs/h': syncs,
      'MB/day to the data folder': called,
      'MB/day by /proc/PID/io': written ?? 'not readable',
      ...aims(syncs, written ?? called),
    };
  } finally {
    await appliance.close();
    shim.remove();
  }
}
