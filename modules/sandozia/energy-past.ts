import { z } from 'zod';
import type { EnergyAccount } from '../../runtime/contracts/device.js';
import type { StoredEvent } from '../../runtime/contracts/ledger.js';

/** Of an account what is added up. */
export const counted = ['joules', 'prompt_joules', 'prompts', 'tokens'] as const;
export type Counted = Pick<EnergyAccount, (typeof counted)[number]>;

const figure = z.number().min(0);
const shape = z.object({
  energy: z.object({ joules: figure, prompt_joules: figure, prompts: figure, tokens: figure }),
});

/** What was used in a time before this process. */
export interface Segment extends Counted {
  /** How long before the reading of the ledger it ended. */
  endedAgoMs: number;
  lengthMs: number;
}

interface Mark {
  boot: string;
  wallMs: number;
  monotonicMs: number;
  account: Counted;
}

/**
 * The energy between snapshots of earlier processes, newest first. Within a process its own clock counts; where the wall clock has gone back, a
 * segment is taken to lie before the one that was recorded after it.
 * @param events Of type `snapshot_taken`, newest first.
 */
export function segmentsOf(events: readonly StoredEvent[], nowWallMs: number): Segment[] {
  const marks = events.flatMap(markOf);
  const segments: Segment[] = [];
  const [newest] = marks;
  let agoMs = newest === undefined ? 0 : Math.max(0, nowWallMs - newest.wallMs);
  for (const [n, mark] of marks.entries()) {
    const before = marks[n + 1];
    // What a process used until its first snapshot, or the first that is known, counts from its start.
    const from = before?.boot === mark.boot ? before : fresh(mark);
    const lengthMs = mark.monotonicMs - from.monotonicMs;
    const used = Object.fromEntries(
      counted.map((name) => [name, mark.account[name] - from.account[name]]),
    ) as unknown as Counted;
    agoMs = Math.max(agoMs, nowWallMs - mark.wallMs);
    // Whoever counts was started anew in between.
    if (lengthMs > 0 && counted.every((name) => used[name] >= 0))
      segments.push({ endedAgoMs: agoMs, lengthMs, ...used });
    agoMs += Math.max(0, lengthMs);
  }
  return segments;
}

const fresh = ({ boot, wallMs, monotonicMs }: Mark): Mark => ({
  boot,
  wallMs: wallMs - monotonicMs,
  monotonicMs: 0,
  account: { joules: 0, prompt_joules: 0, prompts: 0, tokens: 0 },
});

function markOf({ boot_id: boot, time_ms: wallMs, monotonic_ms: monotonicMs, data }: StoredEvent): Mark[] {
  const { data: told } = shape.safeParse(data);
  return told === undefined ? [] : [{ boot, wallMs, monotonicMs, account: told.energy }];
}
