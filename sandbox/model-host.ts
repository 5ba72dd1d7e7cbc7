import { connectSupervisor } from './inside.js';
import { Llama, type LoadedModel } from './llama.js';
import type { ToChild } from './protocol.js';

/** The process of one loaded model: `load` once, then one `generate` at a time. */

let model: LoadedModel | undefined;
let stopping: AbortController | undefined;

const supervisor = connectSupervisor((message) => {
  if (message.type === 'stop') stopping?.abort();
  else if (message.type === 'load') void load(message);
  else if (message.type === 'generate') void generate(message);
  else throw new Error(`a model host does not take ${message.type}`);
});

async function load(message: Extract<ToChild, { type: 'load' }>): Promise<void> {
  const loaded = await Llama.load(message);
  if ('fault' in loaded) return supervisor.send({ type: 'unloadable', fault: loaded.fault });
  model = loaded;
  await supervisor.send({ type: 'loaded', contextTokens: loaded.contextTokens });
}

async function generate(message: Extract<ToChild, { type: 'generate' }>): Promise<void> {
  if (model === undefined || stopping !== undefined)
    throw new Error('a model host generates one answer at a time');
  stopping = new AbortController();
  const { signal } = stopping;
  const end = await model.generate({
    ...message,
    signal,
    onText: (text) => void supervisor.send({ type: 'delta', text }),
  });
  stopping = undefined;
  if (signal.aborted) return supervisor.send({ type: 'stopped' });
  if (end === 'too_long') return supervisor.send({ type: 'failed', code: 'context_length_exceeded' });
  await supervisor.send({ type: 'done', model: '', ...end });
}

await supervisor.send({ type: 'ready' });
