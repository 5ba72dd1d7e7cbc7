// Assertions, kept in production. The `assert` of the language puts a string into a data segment, and every instance would
// write that segment over the shared memory again: so a fault is a number, and the host words it.

/** Throws in the host; never returns. */
// @ts-ignore: decorator
@external("host", "fault")
declare function hostFault(code: i32, value: f64): void;

export const FAULT_RANGE: i32 = 1;
export const FAULT_INPUT: i32 = 2;
export const FAULT_RESULT: i32 = 3;
export const FAULT_STATE: i32 = 4;
export const FAULT_CONTENTION: i32 = 5;
export const FAULT_TIME: i32 = 6;
export const FAULT_DURATION: i32 = 7;
export const FAULT_PERMIT: i32 = 8;

// @ts-ignore: decorator
@inline
export function expect(condition: bool, code: i32): void {
  if (!condition) fail(code, NaN);
}

/** The same for an argument of the caller: the host's error names the value. */
// @ts-ignore: decorator
@inline
export function expectValue(condition: bool, code: i32, value: f64): void {
  if (!condition) fail(code, value);
}

function fail(code: i32, value: f64): void {
  hostFault(code, value);
  unreachable();
}
