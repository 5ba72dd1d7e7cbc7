import type { EngineKind, PromptEvent, PromptJob } from '../types.js';
import { embedded } from './embedded.js';
import { composeNavigator } from './navigator.js';
import { ollama } from './ollama.js';
import { openai } from './openai.js';
import type { Adapter } from './port.js';

async function* navigator(job: PromptJob): AsyncGenerator<PromptEvent> {
  if (job.engine !== 'navigator') throw new TypeError(`navigator was given a job for ${job.engine}`);
  const question = job.messages.findLast((message) => message.role === 'user')?.content ?? '';
  for (const text of composeNavigator(question, job.brief)) yield { type: 'delta', text };
  yield { type: 'done', finishReason: 'stop', model: 'navigator' };
}

/** Who speaks each engine's language, inside a worker. */
export const adapters: Record<EngineKind, Adapter> = { ollama, openai, embedded, navigator };
