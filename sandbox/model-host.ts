import { connectSupervisor } from './inside.js';
import { Llama, type LoadedModel } from './llama.js';
import type { ModelWord, ToChild } from './protocol.js';

/** The process of one loaded model: `load` once, then `generate` and `embed`, as many at once as there are sequences. */

let model: LoadedModel | undefined;
const stopping = new Map<number, AbortController>();

const supervisor = connectSupervisor((message) => {
  if (message.type === 'stop') stopping.get(message.lane ?? -1)?.abort();
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

async function work(message: Extract<ToChild, { type: 'generate' | 'embed' }>): Promise<void> {
  const { lane } = message;
  if (model === undefined || stopping.has(lane))
    throw new Error('a model host works on one request in a lane');
  const ending = new AbortController();
  stopping.set(lane, ending);
  const say = (word: ModelWord) => supervisor.send({ ...word, lane });
  const how = { signal: ending.signal, onPiece: (piece: ModelWord) => void say(piece) };
  const end =
    message.type === 'embed'
      ? await model.embed(message.texts, how)
      : await model.generate(message, how, message.kept);
  stopping.delete(lane);
  if (ending.signal.aborted) return say({ type: 'stopped' });
  if (typeof end === 'string') return say({ type: 'failed', code: end });
  await say({ type: 'done', model: '', ...end });
}

await supervisor.send({ type: 'ready' });
