import type { Bus } from '../../runtime/contracts/bus.js';
import { AppError } from '../../runtime/contracts/errors.js';

/** When it is worth asking again: the shortest quarantine. */
const RETRY_AFTER_MS = 60_000;

/**
 * What holds while Sandozia has Assistantia in quarantine: no model is asked, because what is said and recorded of its answers is in doubt.
 * Navigator answers from the documentation and the figures of the appliance, and with each such answer its account is checked again.
 */
export class OwnQuarantine {
  fault: string | undefined;

  /** Returns the function that ends it. */
  listen(bus: Pick<Bus, 'subscribe'>): () => void {
    const ends = [
      bus.subscribe('module.quarantined', ({ module, fault }) => {
        if (module === 'assistantia') this.fault = fault;
      }),
      bus.subscribe('module.released', ({ module }) => {
        if (module === 'assistantia') this.fault = undefined;
      }),
    ];
    return () => {
      for (const end of ends) end();
      this.fault = undefined;
    };
  }

  /** @throws AppError `degraded` for an engine that may not answer now. */
  check(engine: string): void {
    if (this.fault === undefined || engine === 'navigator') return;
    throw new AppError(
      'degraded',
      `What is recorded of answers does not agree (${this.fault}), so no model is asked; the built-in assistant answers.`,
      { retryAfterMs: RETRY_AFTER_MS },
    );
  }
}
