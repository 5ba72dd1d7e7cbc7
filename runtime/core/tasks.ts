import type { BatchResult, ReplayBatch } from '../replay/batch.js';

/** What a thread of the pool can be asked for. Data stays in the shared memory; a task only says where it is. */
export type PoolTask =
  | { kind: 'ready' }
  /** Score records `from` to `from + count - 1` in place. */
  | { kind: 'score'; from: number; count: number }
  /** Acquire and record `times` calls of one outcome on a breaker. `nowMs` is a reading of the main thread's clock. */
  | {
      kind: 'outcomes';
      slot: number;
      outcome: 'success' | 'failure' | 'ignored';
      times: number;
      nowMs: number;
    }
  /** Replay recorded decisions. */
  | { kind: 'replay'; batch: ReplayBatch };

/** Tasks that count give the records scored, or the calls that the breaker let through; `ready` gives 0. */
export type PoolResult = number | BatchResult;
