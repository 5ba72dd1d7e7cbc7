import { connectSupervisor } from '../../sandbox/inside.js';
import { Llama, type LoadedModel } from '../../sandbox/llama.js';

/**
 * The process of a real model that ends in the middle of an answer: after as many pieces as the prompt's seed says, which a greedy
 * answer does not use. An answer that is continued it lets end.
 */

let model: LoadedModel | undefined;

const supervisor = connectSupervisor(async (message) => {
  if (message.type === 'load') {
    const loaded = await Llama.load(message);
    if ('fault' in loaded) return supervisor.send({ type: 'unloadable', fault: loaded.fault });
    model = loaded;
    return supervisor.send({ type: 'loaded', contextTokens: loaded.contextTokens });
  }
  if (message.type !== 'generate' || model === undefined) throw new Error(`unexpected: ${message.type}`);
  const { lane, kept, sampling } = message;
  let pieces = 0;
  const end = await model.generate(
    message,
    {
      signal: new AbortController().signal,
      onPiece: (piece) => {
        if (kept === undefined && pieces >= (sampling.seed ?? Infinity)) return;
        pieces += 1;
        const sent = supervisor.send({ ...piece, lane });
        // A pause, so that what was sent has left.
        if (kept === undefined && pieces === sampling.seed)
          void sent.then(() => setTimeout(() => process.exit(9), 100));
      },
    },
    kept,
  );
  if (kept === undefined && pieces === sampling.seed) return;
  if (typeof end === 'string') return supervisor.send({ type: 'failed', code: end, lane });
  await supervisor.send({ type: 'done', model: '', lane, ...end });
});

await supervisor.send({ type: 'ready' });
