import { setTimeout as pause } from 'node:timers/promises';
import type { OutputGuard } from '../../../runtime/contracts/guard.js';

/**
 * The events of a stream as they come, and `expired` when the watcher has held the same text for `holdMs`: then it must go. The stream
 * is closed when the caller stops listening.
 */
export async function* withExpiry<T>(
  events: AsyncIterable<T>,
  watch: Pick<OutputGuard, 'held'>,
  { holdMs, nowMs }: { holdMs: number; nowMs: () => number },
): AsyncGenerator<T | 'expired', void> {
  const iterator = events[Symbol.asyncIterator]();
  let since = { from: -1, atMs: 0 };
  try {
    let next = iterator.next();
    for (;;) {
      const { from, count } = watch.held();
      if (count === 0) since = { from: -1, atMs: 0 };
      else if (since.from !== from) since = { from, atMs: nowMs() };
      const step = count === 0 ? await next : await within(next, Math.max(0, since.atMs + holdMs - nowMs()));
      if (step === 'expired') {
        yield step;
        continue;
      }
      if (step.done === true) return;
      yield step.value;
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

async function within<T>(next: Promise<T>, ms: number): Promise<T | 'expired'> {
  const ended = new AbortController();
  const timer = pause(ms, 'expired' as const, { signal: ended.signal });
  try {
    return await Promise.race([next, timer]);
  } finally {
    ended.abort();
    await timer.catch(() => 'expired');
  }
}
