import type { ChatJob, EngineKind, PromptEvent, PromptJob } from '../types.js';
import { embedded } from './embedded.js';
import { composeNavigator } from './navigator.js';
import { ollama } from './ollama.js';
import { openai } from './openai.js';
import { type Adapter, EngineFailure, type EnginePort } from './port.js';

const navigator: Adapter = {
  async *chat(job: ChatJob): AsyncGenerator<PromptEvent> {
    if (job.engine !== 'navigator') throw new TypeError(`navigator was given a job for ${job.engine}`);
    // It calls no tool; where the choice is its own, that is an answer too.
    if (job.toolChoice !== undefined || job.format !== undefined) throw new EngineFailure('unsupported');
    const question = job.messages.findLast((message) => message.role === 'user')?.content ?? '';
    for (const text of composeNavigator(question, job.brief)) yield { type: 'delta', text };
    yield { type: 'done', finishReason: 'stop', model: 'navigator' };
  },
};

/** Who speaks each engine's language, inside a worker. */
const adapters: Record<EngineKind, Adapter> = { ollama, openai, embedded, navigator };

/** What the job's engine answers. Ends with `done`, or throws EngineFailure. */
export function answer(job: PromptJob, port: EnginePort): AsyncIterable<PromptEvent> {
  const adapter = adapters[job.engine];
  if (!('embed' in job)) return adapter.chat(job, port);
  if (adapter.embed === undefined) throw new EngineFailure('unsupported');
  return adapter.embed(job, port);
}
