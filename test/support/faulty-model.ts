import { writeSync } from 'node:fs';
import { connectSupervisor } from '../../sandbox/inside.js';

/** The process of a model that does to its supervisor what the prompt says. Anything else it answers like a good one. */

let prompts = 0;
let lane = 0;

const faults: Record<string, () => void> = {
  crash: () => process.exit(3),
  hang: () => {
    for (;;);
  },
  noise: () => writeSync(3, Buffer.from([1, 0, 0, 0, 0x7b])),
  slow: () => void setTimeout(() => answer('good: slow'), 200),
  count: () => answer(`${prompts} prompts`),
};

function answer(text: string): void {
  void supervisor.send({ type: 'delta', text, lane });
  void supervisor.send({ type: 'done', finishReason: 'stop', model: '', lane });
}

const supervisor = connectSupervisor((message) => {
  if (message.type === 'load') void supervisor.send({ type: 'loaded', contextTokens: message.contextTokens });
  if (message.type !== 'generate') return;
  prompts += 1;
  lane = message.lane;
  const word = message.messages.at(-1)?.content ?? '';
  const fault = faults[word];
  if (fault === undefined) answer(`good: ${word}`);
  else fault();
});

await supervisor.send({ type: 'ready' });
