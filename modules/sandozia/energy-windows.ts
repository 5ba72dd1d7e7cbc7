import type { DeviceSample, EnergyAccount, PowerReading } from '../../runtime/contracts/device.js';

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

/** Adds up the energy of the last hour and day from the account that each sample carries. It begins anew with the process. */
export class EnergyWindows {
  #marks: Mark[] = [];
  #last: Mark | undefined;
  #power: PowerReading | undefined;

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
    const first = this.#marks.find(({ atMs }) => last !== undefined && atMs >= last.atMs - lengthMs);
    if (last === undefined || first === undefined || first.atMs >= last.atMs) return undefined;
    const grown = (of: 'joules' | 'prompt_joules' | 'prompts' | 'tokens') =>
      last.account[of] - first.account[of];
    const covers_ms = Math.round(last.atMs - first.atMs);
    const [joules, prompt_joules, requests, tokens] = [
      rounded(grown('joules')),
      rounded(grown('prompt_joules')),
      grown('prompts'),
      grown('tokens'),
    ];
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
}

const rounded = (value: number) => Math.round(value * 1000) / 1000;
