import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { CheckResult } from './examiner.js';

/** How long a first quarantine lasts; doubled each time it is prolonged, or begins again within the window. */
const firstMs = 60_000;
const longestMs = 3_600_000;
const windowMs = 3_600_000;

/** A module whose account is not acted on. */
export interface Quarantined {
  module: string;
  /** What was found, and by which check. */
  check: string;
  fault: string;
  /** Wall time. */
  since_ms: number;
  duration_ms: number;
  /** How often it was prolonged because its account did not agree when its time was over. */
  retries: number;
}

interface Held extends Quarantined {
  untilMonotonicMs: number;
  heldSinceMonotonicMs: number;
}

/** Result of a check, and whose account it doubts. */
export type Judged = CheckResult & { accountOf: string | undefined };

/**
 * Keeps modules whose account does not agree in quarantine, at once for a critical finding; a warning, such as that it is
 * silent, is no false account. When its time is over a module is released if all checks of its account agree; else its time is doubled.
 */
export class Quarantine {
  readonly #context: Pick<ModuleContext, 'bus' | 'clock' | 'ledger' | 'log'>;
  readonly #held = new Map<string, Held>();
  readonly #released = new Map<string, { atMs: number; durationMs: number }>();

  constructor(context: Pick<ModuleContext, 'bus' | 'clock' | 'ledger' | 'log'>) {
    this.#context = context;
  }

  all(): Quarantined[] {
    return [...this.#held.values()].map(({ untilMonotonicMs: _, heldSinceMonotonicMs: __, ...told }) => told);
  }

  /** After each round of the checks. */
  async judge(results: readonly Judged[]): Promise<void> {
    for (const result of results) await this.#judgeOne(result);
    const nowMs = this.#context.clock.monotonicMs();
    for (const held of [...this.#held.values()]) {
      if (nowMs < held.untilMonotonicMs) continue;
      const agrees = !results.some(({ accountOf, level }) => accountOf === held.module && isWrong(level));
      if (agrees) await this.#release(held);
      else this.#prolong(held, nowMs);
    }
  }

  /** Nobody checks any more, so nobody is held. */
  async end(): Promise<void> {
    for (const held of [...this.#held.values()]) await this.#release(held);
  }

  async #judgeOne({ accountOf: module, name, level, fault }: Judged): Promise<void> {
    if (module === undefined || level !== 'critical') return;
    if (!this.#held.has(module)) await this.#hold({ module, check: name, fault: fault ?? '' });
  }

  async #hold(about: Pick<Quarantined, 'module' | 'check' | 'fault'>): Promise<void> {
    const { bus, clock, log } = this.#context;
    const nowMs = clock.monotonicMs();
    const last = this.#released.get(about.module);
    const isAgain = last !== undefined && nowMs - last.atMs < windowMs;
    const duration_ms = isAgain ? Math.min(longestMs, last.durationMs * 2) : firstMs;
    const since_ms = clock.wallMs();
    this.#held.set(about.module, {
      ...about,
      since_ms,
      duration_ms,
      retries: 0,
      untilMonotonicMs: nowMs + duration_ms,
      heldSinceMonotonicMs: nowMs,
    });
    log.error({ ...about, duration_ms }, 'a module is in quarantine');
    bus.publish('module.quarantined', { module: about.module, fault: about.fault });
    await this.#record('module_quarantined', { ...about, duration_ms });
  }

  #prolong(held: Held, nowMs: number): void {
    held.retries += 1;
    held.duration_ms = Math.min(longestMs, held.duration_ms * 2);
    held.untilMonotonicMs = nowMs + held.duration_ms;
    const { module, retries, duration_ms } = held;
    this.#context.log.error({ module, retries, duration_ms }, 'its account still does not agree');
  }

  async #release({ module, retries, duration_ms, heldSinceMonotonicMs }: Held): Promise<void> {
    const { bus, clock, log } = this.#context;
    const nowMs = clock.monotonicMs();
    this.#held.delete(module);
    this.#released.set(module, { atMs: nowMs, durationMs: duration_ms });
    const held_ms = Math.round(nowMs - heldSinceMonotonicMs);
    log.warn({ module, held_ms, retries }, 'a module is released from quarantine');
    bus.publish('module.released', { module });
    await this.#record('module_released', { module, held_ms, retries });
  }

  async #record(
    type: 'module_quarantined' | 'module_released',
    data: Record<string, string | number>,
  ): Promise<void> {
    try {
      await this.#context.ledger.append({ type, module: 'sandozia', data });
    } catch (error) {
      this.#context.log.error({ err: error, type }, 'a quarantine could not be recorded');
    }
  }
}

const isWrong = (level: CheckResult['level']) => level === 'warning' || level === 'critical';
