import type { PromptEvent, PromptJob } from '../types.js';
import { EngineFailure, type EnginePort } from './port.js';

/** The model that this appliance loads itself; it runs in a process of its own, reached through the supervisor. */
export async function* embedded(job: PromptJob, port: EnginePort): AsyncGenerator<PromptEvent> {
  for await (const piece of port.generate(job.messages, job.sampling)) {
    if (piece.type === 'delta') {
      yield piece;
      continue;
    }
    yield {
      type: 'done',
      finishReason: piece.finishReason,
      model: job.model,
      ...(piece.usage === undefined ? {} : { usage: piece.usage }),
    };
    return;
  }
  throw new EngineFailure('engine_died');
}
