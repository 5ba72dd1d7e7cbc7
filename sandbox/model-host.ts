import { connectSupervisor } from './inside.js';
import { Llama, type LoadedModel } from './llama.js';
import type { ModelRequest, Piece, ToChild } from './protocol.js';

/** The process of one loaded model: `load` once, then one `generate` or `embed` at a time. */

let model: LoadedModel | undefined;
let stopping: AbortController | undefined;

const supervisor = connectSupervisor((message) => {
  if (message.type === 'stop') stopping?.abort();
  else if (message.type === 'load') void load(message);
  else if (message.type === 'generate' || message.type === 'embed') void work(message);
  else throw new Error(`a model host does not take ${message.type}`);
});

async function load(message: Extract<ToChild, { type: 'load' }>): Promise<void> {
  const loaded = await Llama.load(message);
  if ('fault' in loaded) return supervisor.send({ type: 'unloadable', fault: loaded.fault });
  model = loaded;
  await supervisor.send({ type: 'loaded', contextTokens: loaded.contextTokens });
}

async function work(message: ModelRequest): Promise<void> {
  if (model === undefined || stopping !== undefined)
    throw new Error('a model host works on one request at a time');
  stopping = new AbortController();
  const { signal } = stopping;
  const onPiece = (piece: Piece) => void supervisor.send(piece);
  const end =
    message.type === 'embed'
      ? await model.embed(message.texts, { signal, onPiece })
      : await model.generate(message, { signal, onPiece });
  stopping = undefined;
  if (signal.aborted) return supervisor.send({ type: 'stopped' });
  if (typeof end === 'string') return supervisor.send({ type: 'failed', code: end });
  await supervisor.send({ type: 'done', model: '', ...end });
}

await supervisor.send({ type: 'ready' });
