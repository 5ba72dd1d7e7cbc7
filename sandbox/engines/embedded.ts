import type { ModelRequest } from '../protocol.js';
import type { PromptEvent } from '../types.js';
import { type Adapter, EngineFailure, type EnginePort } from './port.js';

/** The model that this appliance loads itself; it runs in a process of its own, reached through the supervisor. */
export const embedded: Adapter = {
  chat({ model, messages, sampling, tools, toolChoice, format }, port) {
    // Its grammar holds the answer to JSON, or finds tool calls, not both.
    if (tools !== undefined && format !== undefined) throw new EngineFailure('unsupported');
    const more = {
      ...(tools === undefined ? {} : { tools }),
      ...(toolChoice === undefined ? {} : { toolChoice }),
      ...(format === undefined ? {} : { format }),
    };
    return ask({ type: 'generate', messages, sampling, ...more }, model, port);
  },
  embed: ({ embed, model }, port) => ask({ type: 'embed', texts: embed }, model, port),
};

async function* ask(request: ModelRequest, model: string, port: EnginePort): AsyncGenerator<PromptEvent> {
  for await (const piece of port.askModel(request)) {
    if (piece.type !== 'end') {
      yield piece;
      continue;
    }
    const { finishReason, usage } = piece;
    yield { type: 'done', finishReason, model, ...(usage === undefined ? {} : { usage }) };
    return;
  }
  throw new EngineFailure('engine_died');
}
