import type { Check, Finding } from './finding.js';

const header = [0, 97, 115, 109, 1, 0, 0, 0];
/** `(module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt))` */
const simd = [1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
/** `(module (memory 1 1 shared) (func i32.const 0 i32.atomic.load drop))` */
const threads = [
  1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254, 16, 2, 0, 26, 11,
];

/** Whether this Node runs WebAssembly with SIMD and with threads over shared memory. */
export const wasmCheck: Check = {
  name: 'wasm',
  run: () => {
    const missing: string[] = [];
    if (!WebAssembly.validate(Uint8Array.from([...header, ...simd]))) missing.push('SIMD');
    if (!WebAssembly.validate(Uint8Array.from([...header, ...threads]))) missing.push('threads');
    if (!hasSharedMemory()) missing.push('shared memory');
    const finding: Finding =
      missing.length === 0
        ? { check: 'wasm', level: 'ok', found: 'SIMD, threads and shared memory' }
        : {
            check: 'wasm',
            level: 'fatal',
            found: `missing: ${missing.join(', ')}`,
            todo: 'Use an official Node build for this processor, without --jitless or a limit on address space.',
          };
    return [finding];
  },
};

function hasSharedMemory(): boolean {
  try {
    return (
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer
    );
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return false;
    throw error;
  }
}
