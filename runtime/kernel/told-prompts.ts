import type { Bus } from '../contracts/bus.js';
import type { PromptEvent, PromptRunner } from '../contracts/sandbox.js';

/** The same runner; the bus is told when a prompt begins and ends. */
export function toldPrompts(prompts: PromptRunner, bus: Bus): PromptRunner {
  return {
    engines: () => prompts.engines(),
    refreshEngines: () => prompts.refreshEngines(),
    status: () => prompts.status(),
    runScript: (job, options) => prompts.runScript(job, options),
    async *run(job, options): AsyncGenerator<PromptEvent> {
      const { engine } = job;
      let tokens: number | undefined;
      let done = false;
      bus.publish('prompt.began', { engine });
      try {
        for await (const event of prompts.run(job, options)) {
          if (event.type === 'done') {
            done = true;
            tokens = event.usage?.completion_tokens;
          }
          yield event;
        }
      } finally {
        bus.publish('prompt.ended', { engine, done, ...(tokens === undefined ? {} : { tokens }) });
      }
    },
  };
}
