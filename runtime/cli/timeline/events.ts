import { z } from 'zod';
import type { EventQuery } from '../../contracts/ledger.js';

/** What of an event is drawn. */
export const timelineEvent = z.object({
  index: z.number(),
  type: z.string(),
  time_ms: z.number(),
  boot_id: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type TimelineEvent = z.infer<typeof timelineEvent>;

export type AskEvents = (
  query: Pick<EventQuery, 'type' | 'stream' | 'fromMs' | 'toMs' | 'until'> & { limit: number },
) => Promise<TimelineEvent[]>;

/** Types that are drawn; of decisions only those of the device. */
const types: readonly { type: string; stream?: string }[] = [
  { type: 'decision_made', stream: 'device' },
  ...['snapshot_taken', 'degradation_changed', 'system_started', 'system_stopped'].map((type) => ({ type })),
  ...['forecast_alarmed', 'contradiction_detected', 'incident_opened'].map((type) => ({ type })),
];
/** What a state at the beginning of the window comes from. */
const states = ['decision_made', 'degradation_changed', 'system_started', 'system_stopped'];

const pageEvents = 500;
const pagesMax = 40;

export interface Recorded {
  /** Wall time of the newest event of all. */
  toMs: number;
  /** In the order of the log; those that say how things stood before `fromMs` come along. */
  events: TimelineEvent[];
  /** Whether there were more than 20,000 of a type, of which the earliest are left out. */
  cut: boolean;
}

/** Reads the last hours up to the newest event; undefined where there is none. `ask` answers newest first. */
export async function readEvents(ask: AskEvents, hours: number): Promise<Recorded | undefined> {
  const [newest] = await ask({ limit: 1 });
  if (newest === undefined) return undefined;
  const toMs = newest.time_ms + 1;
  const fromMs = Math.max(0, toMs - hours * 3_600_000);
  const events: TimelineEvent[] = [];
  let cut = false;
  for (const filter of types) {
    let until: number | undefined;
    for (let page = 0; ; page++) {
      if (page === pagesMax) {
        cut = true;
        break;
      }
      const found = await ask({
        ...filter,
        fromMs,
        toMs,
        limit: pageEvents,
        ...(until === undefined ? {} : { until }),
      });
      events.push(...found);
      const last = found.at(-1);
      if (found.length < pageEvents || last === undefined || last.index === 0) break;
      until = last.index - 1;
    }
  }
  for (const filter of types.filter(({ type }) => states.includes(type))) {
    events.push(...(await ask({ ...filter, toMs: fromMs, limit: 1 })));
  }
  // The newest says which run still goes on, whatever it is.
  const byIndex = new Map([...events, newest].map((event) => [event.index, event]));
  return { toMs, events: [...byIndex.values()].sort((a, b) => a.index - b.index), cut };
}
