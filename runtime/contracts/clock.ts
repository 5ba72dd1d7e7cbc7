/** Where time comes from. Everything that decides takes a clock as an argument, so that tests and simulations own time. */
export interface Clock {
  /** Wall time in milliseconds since 1970. May jump either way; only for reports. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start. Never goes back; every interval and deadline is measured with it. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
