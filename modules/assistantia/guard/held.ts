import { type SetTimer, systemTimer } from '../../../runtime/contracts/clock.js';
import type { OutputGuard } from '../../../runtime/contracts/guard.js';

/**
 * The events of a stream as they come, and `expired` when the watcher has held the same text for `holdMs`: then it must go. The stream
 * is closed when the caller stops listening.
 */
export async function* withExpiry<T>(
  events: AsyncIterable<T>,
  watch: Pick<OutputGuard, 'held'>,
  { holdMs, nowMs, setTimer = systemTimer }: { holdMs: number; nowMs: () => number; setTimer?: SetTimer },
): AsyncGenerator<T | 'expired', void> {
  const iterator = events[Symbol.asyncIterator]();
  let since = { from: -1, atMs: 0 };
  try {
    let next = iterator.next();
    for (;;) {
      const { from, count } = watch.held();
      if (count === 0) since = { from: -1, atMs: 0 };
      else if (since.from !== from) since = { from, atMs: nowMs() };
      const step =
        count === 0 ? await next : await within(next, Math.max(0, since.atMs + holdMs - nowMs()), setTimer);
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

async function within<T>(next: Promise<T>, ms: number, setTimer: SetTimer): Promise<T | 'expired'> {
  let clear = () => {};
  const over = new Promise<'expired'>((resolve) => {
    clear = setTimer(() => resolve('expired'), ms);
  });
  try {
    return await Promise.race([next, over]);
  } finally {
    clear();
  }
}
