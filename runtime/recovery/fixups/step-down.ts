import { type Degradation, levels } from '../../contracts/device.js';
import type { Fixup } from '../check.js';

/** Takes load off: at least the level moderate. The device loop brings it back when the cooldown is over. */
export class StepDown implements Fixup {
  readonly name = 'step_down';
  readonly #degradation: Pick<Degradation, 'level' | 'set'>;
  readonly #reason: string;

  constructor(degradation: Pick<Degradation, 'level' | 'set'>, reason: string) {
    this.#degradation = degradation;
    this.#reason = reason;
  }

  async apply(): Promise<void> {
    if (levels.indexOf(this.#degradation.level()) >= levels.indexOf('moderate')) return;
    await this.#degradation.set('moderate', this.#reason);
  }
}
