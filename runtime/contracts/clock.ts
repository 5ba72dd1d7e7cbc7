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

/** Calls `run` once after `delayMs`; returns the function that takes it back. Simulations own these timers as they own the clock. */
export type SetTimer = (run: () => void, delayMs: number) => () => void;

export const systemTimer: SetTimer = (run, delayMs) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

/** The same, for what must not keep a process from ending. */
export const backgroundTimer: SetTimer = (run, delayMs) => {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};
