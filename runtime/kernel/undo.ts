import type { Logger } from 'pino';

/** What was opened, to be closed in reverse order, whatever of it was reached. A step that fails is logged and holds up no other. */
export class Undo {
  readonly #log: Logger;
  readonly #steps: { name: string; run: () => void | Promise<void> }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(name: string, run: () => void | Promise<void>): void {
    this.#steps.push({ name, run });
  }

  /** Runs each step once, the last added first. */
  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.run();
      } catch (error) {
        this.#log.error({ err: error, step: step.name }, 'closing failed');
      }
    }
  }
}
