import { z } from 'zod';
import { defineRoute, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../../runtime/contracts/idempotency.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { ToolCall } from '../../../runtime/contracts/sandbox.js';
import { idempotencyOf } from '../idempotency.js';
import type { Pipeline } from '../pipeline.js';
import { answerAsOllama, type Say } from './answers.js';
import { chatPrompt, chatRequest, generatePrompt, generateRequest } from './requests.js';

function callBody({ name, arguments: args }: ToolCall): object {
  return { function: { name, arguments: JSON.parse(args) as unknown } };
}

const sayMessage: Say = (content, calls = []) => ({
  message: {
    role: 'assistant',
    content,
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(callBody) }),
  },
});

const sayResponse: Say = (response) => ({ response });

/** POST /api/chat and /api/generate. */
export function askRoutes(context: ModuleContext, pipeline: Pipeline): RouteDefinition[] {
  const common = {
    method: 'POST',
    role: 'user',
    tag: 'ollama',
    errors: 'ollama',
    headers: [idempotencyHeader],
    responses: {
      200: {
        description: 'The answer as JSON lines, or whole with `"stream": false`',
        schema: z.record(z.string(), z.unknown()),
      },
    },
  } as const;
  return [
    defineRoute({
      ...common,
      path: '/api/chat',
      summary: "Ollama's chat, streamed unless said; the answer's model is the one that spoke",
      body: chatRequest,
      handler: ({ c, header, body, caller, requestId, signal }) => {
        const { model, stream } = body;
        const asked = {
          ...idempotencyOf({ c, header, body }),
          model,
          stream: stream ?? true,
          route: '/api/chat',
          client: caller.id,
          requestId,
          signal: signal(),
        };
        return answerAsOllama({ context, pipeline }, { ...asked, prompt: chatPrompt(body) }, sayMessage);
      },
    }),
    defineRoute({
      ...common,
      path: '/api/generate',
      summary:
        "Ollama's generate: the prompt is asked as one message of a user, through the model's template",
      body: generateRequest,
      handler: ({ c, header, body, caller, requestId, signal }) => {
        const { model, stream } = body;
        const asked = {
          ...idempotencyOf({ c, header, body }),
          model,
          stream: stream ?? true,
          route: '/api/generate',
          client: caller.id,
          requestId,
          signal: signal(),
        };
        return answerAsOllama({ context, pipeline }, { ...asked, prompt: generatePrompt(body) }, sayResponse);
      },
    }),
  ];
}
