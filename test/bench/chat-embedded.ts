import { Llama } from '../../sandbox/llama.js';
import type { ChatClient, Took } from './chat-client.js';

/** Loads a model into this process and asks it without anything between. Throws when it cannot be loaded. */
export async function embeddedDirectly(
  modelFile: string,
  settings: { threads: number; contextTokens: number },
): Promise<Pick<ChatClient, 'ask'>> {
  const loaded = await Llama.load({ modelFile, llamaPackage: 'node-llama-cpp', sequences: 1, ...settings });
  if ('fault' in loaded) throw new Error(`the model cannot be loaded: ${loaded.fault}`);
  return {
    async ask(prompt): Promise<Took> {
      const began = performance.now();
      let firstMs = 0;
      let text = '';
      const end = await loaded.generate(
        { messages: [{ role: 'user', content: prompt }], sampling: { temperature: 0 } },
        {
          signal: new AbortController().signal,
          onPiece: (piece) => {
            if (piece.type !== 'delta') return;
            firstMs ||= performance.now() - began;
            text += piece.text;
          },
        },
      );
      if (typeof end === 'string') throw new Error(`the model refused: ${end}`);
      return { firstMs, wholeMs: performance.now() - began, text };
    },
  };
}
