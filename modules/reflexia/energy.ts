import type { EnergyAccount } from '../../runtime/contracts/device.js';

/**
 * Adds power up to energy, and keeps apart what went by while at least one prompt ran. That part, divided by the prompts that were answered
 * and by their tokens, is what a request and a token cost the whole device; prompts that run at once share it.
 */
export class EnergyMeter {
  #joules = 0;
  #promptJoules = 0;
  #prompts = 0;
  #tokens = 0;
  #running = 0;
  #atMs: number | undefined;
  /** While a prompt runs: since when it is not yet added to `busyMs`, the time with a prompt since the last reading of the power. */
  #busySinceMs = 0;
  #busyMs = 0;

  began(nowMs: number): void {
    if (this.#running === 0) this.#busySinceMs = nowMs;
    this.#running += 1;
  }

  ended(nowMs: number, { done, tokens = 0 }: { done: boolean; tokens?: number | undefined }): void {
    // It began before anybody counted.
    if (this.#running === 0) return;
    this.#running -= 1;
    if (this.#running === 0) this.#busyMs += nowMs - this.#busySinceMs;
    if (!done) return;
    this.#prompts += 1;
    this.#tokens += tokens;
  }

  /** Takes the power since the last call; undefined when it is not known, and then that time does not count. */
  add(watts: number | undefined, nowMs: number): EnergyAccount | undefined {
    const elapsedMs = nowMs - (this.#atMs ?? nowMs);
    if (this.#running > 0) {
      this.#busyMs += nowMs - this.#busySinceMs;
      this.#busySinceMs = nowMs;
    }
    const busyMs = Math.min(this.#busyMs, elapsedMs);
    this.#busyMs = 0;
    this.#atMs = nowMs;
    if (watts === undefined) return undefined;
    this.#joules += (watts * elapsedMs) / 1000;
    this.#promptJoules += (watts * busyMs) / 1000;
    const per = (count: number) => (count === 0 ? undefined : rounded(this.#promptJoules / count));
    const perRequest = per(this.#prompts);
    const perToken = per(this.#tokens);
    return {
      joules: rounded(this.#joules),
      prompt_joules: rounded(this.#promptJoules),
      prompts: this.#prompts,
      tokens: this.#tokens,
      ...(perRequest === undefined ? {} : { joules_per_request: perRequest }),
      ...(perToken === undefined ? {} : { joules_per_token: perToken }),
    };
  }
}

const rounded = (value: number) => Math.round(value * 1000) / 1000;
