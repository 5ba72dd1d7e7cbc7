import type { DeviceSample, EnergyAccount, PowerReading } from '../../runtime/contracts/device.js';
import { type Counted, counted, type Segment } from './energy-past.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A mark a minute for a day, and the one before it. */
const MARKS_MAX = DAY_MS / MINUTE_MS + 1;

interface Mark {
  atMs: number;
  account: EnergyAccount;
}

/** What was used in a window of time. */
export interface EnergyWindow {
  /** How much of the window is known: less than it after a start. */
  covers_ms: number;
  joules: number;
  mean_watts: number;
  prompt_joules: number;
  requests: number;
  tokens: number;
  joules_per_request?: number;
  joules_per_token?: number;
}

export interface EnergyStatus {
  /** Absent where the device does not tell and nothing could be reckoned. */
  power?: PowerReading;
  last_hour?: EnergyWindow;
  last_day?: EnergyWindow;
}

/** Adds up the energy of the last hour and day from the account that each sample carries, and from what earlier processes used. */
export class EnergyWindows {
  #marks: Mark[] = [];
  #last: Mark | undefined;
  #power: PowerReading | undefined;
  #past: { segments: readonly Segment[]; atMs: number } = { segments: [], atMs: 0 };

  /** @param atMs When it was read what was used before. */
  recall(segments: readonly Segment[], atMs: number): void {
    this.#past = { segments, atMs };
  }

  add({ monotonic_ms: atMs, power, energy: account }: DeviceSample): void {
    this.#power = power;
    if (account === undefined) return;
    // Whoever counts was started again: what was counted before does not go on.
    if (this.#last !== undefined && account.joules < this.#last.account.joules) this.#marks = [];
    this.#last = { atMs, account };
    const newest = this.#marks.at(-1);
    if (newest !== undefined && atMs - newest.atMs < MINUTE_MS) return;
    this.#marks.push(this.#last);
    if (this.#marks.length > MARKS_MAX) this.#marks.shift();
  }

  status(): EnergyStatus {
    const [hour, day] = [this.#window(HOUR_MS), this.#window(DAY_MS)];
    return {
      ...(this.#power === undefined ? {} : { power: this.#power }),
      ...(hour === undefined ? {} : { last_hour: hour }),
      ...(day === undefined ? {} : { last_day: day }),
    };
  }

  #window(lengthMs: number): EnergyWindow | undefined {
    const last = this.#last;
    if (last === undefined) return undefined;
    const used = this.#since(lengthMs, last);
    let covers = used.lengthMs;
    const { segments, atMs } = this.#past;
    for (const segment of segments) {
      // Time in which nothing ran is not covered, and a segment that reaches out of the window does not count.
      if (last.atMs - atMs + segment.endedAgoMs + segment.lengthMs > lengthMs) break;
      if (covers + segment.lengthMs > lengthMs) break;
      covers += segment.lengthMs;
      for (const name of counted) used[name] += segment[name];
    }
    if (covers <= 0) return undefined;
    const covers_ms = Math.round(covers);
    const joules = rounded(used.joules);
    const prompt_joules = rounded(used.prompt_joules);
    const { prompts: requests, tokens } = used;
    return {
      ...{
        covers_ms,
        joules,
        mean_watts: rounded((joules * 1000) / Math.max(1, covers_ms)),
        prompt_joules,
        requests,
        tokens,
      },
      ...(requests === 0 ? {} : { joules_per_request: rounded(prompt_joules / requests) }),
      ...(tokens === 0 ? {} : { joules_per_token: rounded(prompt_joules / tokens) }),
    };
  }

  /** What this process used of the window. */
  #since(lengthMs: number, last: Mark): Counted & { lengthMs: number } {
    const first = this.#marks.find(({ atMs }) => atMs >= last.atMs - lengthMs) ?? last;
    const grown = (of: (typeof counted)[number]) => last.account[of] - first.account[of];
    return {
      lengthMs: last.atMs - first.atMs,
      joules: grown('joules'),
      prompt_joules: grown('prompt_joules'),
      prompts: grown('prompts'),
      tokens: grown('tokens'),
    };
  }
}

const rounded = (value: number) => Math.round(value * 1000) / 1000;
