import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { JsonObject } from '../../runtime/contracts/json.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import { counted } from './energy-past.js';
import type { CheckResult } from './examiner.js';

const figures = ['cpu', 'ram', 'disk', 'temperature_c'] as const;

/** How all accounts stood, recorded now and then. What was recorded lies in the ledger; nothing of it is kept here. */
export class Snapshots {
  readonly #context: ModuleContext;
  #takenMs: number;
  #taken = 0;
  #lastIndex: number | null = null;

  constructor(context: ModuleContext) {
    this.#context = context;
    this.#takenMs = context.clock.monotonicMs();
  }

  get taken(): number {
    return this.#taken;
  }

  /** Index of the last one in the ledger. */
  get lastIndex(): number | null {
    return this.#lastIndex;
  }

  /**
   * Records one when `sandozia.snapshot_ms` is over since the last, or as many of it as the level asks; none where the level sheds them. One that cannot be recorded is logged, and due again after the same
   * time.
   */
  async takeIfDue(sample: DeviceSample, checks: readonly CheckResult[]): Promise<void> {
    const { clock, config, ledger, log } = this.#context;
    const nowMs = clock.monotonicMs();
    const { snapshotEvery } = this.#context.degradation.limits();
    if (snapshotEvery === 0 || nowMs - this.#takenMs < config.sandozia.snapshot_ms * snapshotEvery) return;
    this.#takenMs = nowMs;
    try {
      const data = this.#account(sample, checks);
      const { index } = await ledger.append({ type: 'snapshot_taken', module: 'sandozia', data });
      this.#taken += 1;
      this.#lastIndex = index;
    } catch (error) {
      log.error({ err: error }, 'a snapshot could not be recorded');
    }
  }

  #account(sample: DeviceSample, checks: readonly CheckResult[]): JsonObject {
    const { breakers, degradation, ledger } = this.#context;
    const known = figures.flatMap((name) => (sample[name] === undefined ? [] : [[name, sample[name]]]));
    const { energy } = sample;
    const used = energy && Object.fromEntries(counted.map((name) => [name, energy[name]]));
    return {
      ...(used === undefined ? {} : { energy: used }),
      breakers: Object.fromEntries(breakers.all().map(({ name, state }) => [name, state])),
      checks: Object.fromEntries(checks.map(({ name, level }) => [name, level])),
      device: Object.fromEntries(known) as JsonObject,
      ledger_size: ledger.status().size,
      level: degradation.level(),
      shed: degradation.shed(),
    };
  }
}
