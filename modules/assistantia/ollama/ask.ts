import { z } from 'zod';
import { defineRoute, type RouteCall, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../../runtime/contracts/idempotency.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { ToolCall } from '../../../runtime/contracts/sandbox.js';
import { engineRequestOf } from '../engine-request.js';
import type { Pipeline } from '../pipeline.js';
import { type Asked, answerAsOllama, type Say } from './answers.js';
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

/** What both routes read alike. */
function askedOf(
  call: RouteCall<{ model: string; stream?: boolean | null | undefined }, unknown>,
): Omit<Asked, 'prompt'> {
  const { model, stream } = call.body;
  return { ...engineRequestOf(call), model, stream: stream ?? true };
}

/** POST /api/chat and /api/generate. */
export function askRoutes(context: ModuleContext, pipeline: Pipeline): RouteDefinition[] {
  const common = {
    method: 'POST',
    role: 'user',
    scope: 'chat',
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
      handler: (call) => {
        const asked = { ...askedOf(call), prompt: chatPrompt(call.body) };
        return answerAsOllama({ context, pipeline }, asked, sayMessage);
      },
    }),
    defineRoute({
      ...common,
      path: '/api/generate',
      summary:
        "Ollama's generate: the prompt is asked as one message of a user, through the model's template",
      body: generateRequest,
      handler: (call) => {
        const asked = { ...askedOf(call), prompt: generatePrompt(call.body) };
        return answerAsOllama({ context, pipeline }, asked, sayResponse);
      },
    }),
  ];
}
