import { CAUSE_FAILURE_RATE, CAUSE_SLOW_RATE } from "./breaker-state";
import * as L from "./layout";

/** Why a window opens a breaker: CAUSE_FAILURE_RATE, CAUSE_SLOW_RATE, or 0 when it does not. */
// @ts-ignore: decorator
@inline
export function verdict(slot: i32, calls: u32, failures: u32, slow: u32): i32 {
  if ((failures | slow) == 0 || calls < load<u32>(slot, L.SLOT_CALLS_MIN)) return 0;
  if (failures != 0 && f64(failures) >= load<f64>(slot, L.SLOT_FAILURE_RATE) * f64(calls)) return CAUSE_FAILURE_RATE;
  return slow != 0 && f64(slow) >= load<f64>(slot, L.SLOT_SLOW_RATE) * f64(calls) ? CAUSE_SLOW_RATE : 0;
}
