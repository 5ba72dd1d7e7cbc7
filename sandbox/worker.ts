import { answer } from './engines/index.js';
import { EngineFailure, type EnginePort, type EngineResponse } from './engines/port.js';
import { connectSupervisor } from './inside.js';
import type { ToChild } from './protocol.js';
import { PressureQueue } from './queue.js';
import type { PromptJob } from './types.js';
import { wipe } from './wipe.js';
import { wipesWhole } from './wipes-whole.js';

/**
 * A worker process: one prompt at a time, from `job` to exactly one of `done`, `failed` and `stopped`. Where a wipe is not whole the pool
 * gives it one prompt and no other.
 */

/** Thrown into the adapter when the supervisor said stop. */
class Stopped extends Error {}

/** Pieces of an engine's answer that may wait here; beyond it nothing more is read from the supervisor. */
const inboxHighWater = 64;

/** Behind the last word, when the server has recorded the answer and handed its end on, so that nobody waits for the processor. */
const wipeAfterMs = 10;

let inbox: PressureQueue<ToChild> | undefined;
/** Set between the end of a prompt and the moment in which nothing of it is left here. */
let unwiped = false;

const supervisor = connectSupervisor((message) => {
  if (message.type === 'job') {
    // It came before the time for that.
    if (unwiped) forget();
    void work(message.job).then(() =>
      setTimeout(() => {
        if (unwiped && inbox === undefined) forget();
      }, wipeAfterMs),
    );
  } else if (message.type === 'stop') inbox?.end(new Stopped());
  else inbox?.push(message);
});

async function work(job: PromptJob): Promise<void> {
  if (inbox !== undefined) throw new Error('a worker runs one prompt at a time');
  inbox = new PressureQueue(inboxHighWater, (pressed) => supervisor.hold(pressed));
  const mine = inbox;
  try {
    for await (const event of answer(job, portTo(mine))) {
      if (event.type !== 'done') {
        await supervisor.send(event);
        continue;
      }
      leave(mine);
      await supervisor.send(event);
      return;
    }
    throw new Error(`the adapter of ${job.engine} ended without done`);
  } catch (error) {
    leave(mine);
    if (error instanceof Stopped) await supervisor.send({ type: 'stopped' });
    else if (error instanceof EngineFailure)
      await supervisor.send({ type: 'failed', code: error.code, ...error.facts });
    else throw error;
  }
}

/** Done with this prompt: from here on what still comes for it is dropped, and the next job may be taken. */
function leave(mine: PressureQueue<ToChild>): void {
  if (inbox === mine) inbox = undefined;
  supervisor.hold(false);
  unwiped = wipesWhole;
}

/** The prompt before is gone from the memory of this process when this returns. */
function forget(): void {
  unwiped = false;
  wipe();
}

async function take(from: PressureQueue<ToChild>): Promise<ToChild> {
  const message = await from.next();
  if (message === undefined) throw new Error('the inbox ended');
  if (message.type === 'broke') throw new EngineFailure(message.code);
  return message;
}

async function* body(from: PressureQueue<ToChild>): AsyncGenerator<string> {
  while (true) {
    const message = await take(from);
    if (message.type === 'end') return;
    if (message.type !== 'data') throw new Error(`${message.type} is no part of a body`);
    yield message.text;
  }
}

function portTo(from: PressureQueue<ToChild>): EnginePort {
  return {
    async open(path, content): Promise<EngineResponse> {
      await supervisor.send({ type: 'open', method: 'POST', path, body: JSON.stringify(content) });
      const message = await take(from);
      if (message.type !== 'response') throw new Error(`${message.type} is no response`);
      const { status, retryAfterMs } = message;
      return { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }), chunks: body(from) };
    },
    async *askModel(request) {
      await supervisor.send(request);
      while (true) {
        const message = await take(from);
        if (message.type === 'data') {
          yield { type: 'delta', text: message.text };
          continue;
        }
        if (message.type === 'tool_call' || message.type === 'vector') {
          yield message;
          continue;
        }
        if (message.type !== 'generated') throw new Error(`${message.type} is no part of an answer`);
        const { finishReason, usage } = message;
        yield { type: 'end', finishReason, ...(usage === undefined ? {} : { usage }) };
        return;
      }
    },
  };
}

await supervisor.send({ type: 'ready' });
