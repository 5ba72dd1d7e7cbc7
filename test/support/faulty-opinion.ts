import { writeSync } from 'node:fs';
import { connectSupervisor } from '../../sandbox/inside.js';

/** The process of a second opinion that does to its supervisor what the text says. Anything else is an attack to it. */

const faults: Record<string, () => void> = {
  crash: () => process.exit(3),
  hang: () => {
    for (;;);
  },
  noise: () => writeSync(3, Buffer.from([1, 0, 0, 0, 0x7b])),
  impossible: () => void supervisor.send({ type: 'judged', probability: 7 }),
};

const supervisor = connectSupervisor((message) => {
  if (message.type === 'load_opinion') void supervisor.send({ type: 'loaded', contextTokens: 8 });
  if (message.type !== 'judge') return;
  const fault = faults[message.text];
  if (fault === undefined) void supervisor.send({ type: 'judged', probability: 0.9 });
  else fault();
});

await supervisor.send({ type: 'ready' });
