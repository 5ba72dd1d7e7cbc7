import type { Clock, SetTimer } from '../../runtime/contracts/clock.js';

interface Timer {
  atMs: number;
  /** Timers of one moment ring in the order in which they were set. */
  order: number;
  run: (() => void) | undefined;
}

/** One life of a process: its clock, and timers that all end with it. */
export interface Life {
  clock: Clock;
  setTimer: SetTimer;
  /** Runs it again and again, each an interval after the one before. */
  repeat(run: () => void, intervalMs: number): void;
  end(): void;
}

const native = globalThis.setImmediate;

/**
 * Time that only moves when nothing is left to do at the present moment: promises have settled, immediates have run, and whatever real file
 * is read or written has answered. Then the next timer rings. So a run does the same each time, however fast the machine is.
 */
export class VirtualTime {
  /** A binary heap, the earliest first. */
  readonly #timers: Timer[] = [];
  #order = 0;
  #nowMs = 0;
  #wallOffsetMs: number;
  #immediates = 0;
  readonly #held = new Set<Promise<unknown>>();

  constructor(wallStartMs: number) {
    this.#wallOffsetMs = wallStartMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Moves the wall clock; the monotonic one goes on. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  readonly clock: Clock = {
    wallMs: () => this.#nowMs + this.#wallOffsetMs,
    monotonicMs: () => this.#nowMs,
  };

  readonly setTimer: SetTimer = (run, delayMs) => {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(timer);
    return () => {
      timer.run = undefined;
    };
  };

  life(): Life {
    let alive = true;
    const setTimer: SetTimer = (run, delayMs) =>
      this.setTimer(() => {
        if (alive) run();
      }, delayMs);
    const repeat = (run: () => void, intervalMs: number) => {
      const again = () => {
        setTimer(again, intervalMs);
        run();
      };
      setTimer(again, intervalMs);
    };
    return {
      clock: this.clock,
      setTimer,
      repeat,
      end: () => {
        alive = false;
      },
    };
  }

  /** Time stands still until real work (a file that is opened, say) is done. */
  hold<T>(work: Promise<T>): Promise<T> {
    this.#held.add(work);
    const done = () => this.#held.delete(work);
    work.then(done, done);
    return work;
  }

  /**
   * Rings timers in order until none is left before `untilMs`. After each, when all has settled, `step` is called.
   * @param step Returns false to stop.
   */
  async run(untilMs: number, step: () => boolean | Promise<boolean>): Promise<void> {
    this.#countImmediates();
    try {
      await this.settle();
      for (;;) {
        const next = this.#timers[0];
        if (next === undefined || next.atMs > untilMs) break;
        this.#pop();
        if (next.run === undefined) continue;
        this.#nowMs = next.atMs;
        next.run();
        await this.settle();
        const goOn = step();
        if (!(goOn === true || (await goOn))) return;
      }
      this.#nowMs = untilMs;
    } finally {
      globalThis.setImmediate = native;
    }
  }

  /** Waits until there is nothing to do at the present moment. */
  async settle(): Promise<void> {
    do {
      if (this.#held.size > 0) await Promise.allSettled([...this.#held]);
      await new Promise<void>((resolve) => native(resolve));
    } while (this.#immediates > 0 || this.#held.size > 0);
  }

  /** Immediates belong to the present moment: time must not move before they ran. */
  #countImmediates(): void {
    const counted = (run: (...args: unknown[]) => void, ...args: unknown[]) => {
      this.#immediates++;
      return native(() => {
        this.#immediates--;
        run(...args);
      });
    };
    globalThis.setImmediate = counted as typeof setImmediate;
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isEarlier(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isEarlier(heap[child + 1]!, heap[child]!)) child++;
      if (!isEarlier(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isEarlier(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
