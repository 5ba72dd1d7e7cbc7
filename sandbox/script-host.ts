import { connectSupervisor } from './inside.js';
import type { ToChild } from './protocol.js';
import { Machine } from './script/machine.js';

/** The process of one script: `script` once, then what it calls, then `ended`. */

let machine: Machine | undefined;
let begun = false;

const supervisor = connectSupervisor((message) => {
  if (message.type === 'script' && !begun) void start(message);
  else if (message.type === 'returned' && machine !== undefined) machine.returned(message);
  else throw new Error(`a script host does not take ${message.type} now`);
});

async function start({ job }: Extract<ToChild, { type: 'script' }>): Promise<void> {
  begun = true;
  machine = await Machine.create(
    job,
    (call) => void supervisor.send({ type: 'call', ...call }),
    (outcome) => void supervisor.send({ type: 'ended', ...outcome }),
  );
  machine.start();
}

await supervisor.send({ type: 'ready' });
