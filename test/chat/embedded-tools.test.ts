import { fileURLToPath } from 'node:url';
import { ChatOpenAI } from '@langchain/openai';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { isInstalled } from '../../sandbox/models.js';
import type { TestAppliance } from '../support/appliance.js';
import { childrenRunning, completion, noBreaker, startAppliance, status } from './support.js';

// The toy model was never shown a tool or a schema: that it calls one, or answers in one, is the grammar's doing.
const model_file = fileURLToPath(new URL('../../../test/fixtures/models/tiny-chat.gguf', import.meta.url));

let appliance: TestAppliance;
let client: OpenAI;

beforeAll(async () => {
  if (!isInstalled('node-llama-cpp')) return;
  appliance = await startAppliance({
    ...noBreaker,
    ARKALIA_ENGINES_ORDER: 'embedded',
    ARKALIA_ENGINES_EMBEDDED_MODEL_FILE: model_file,
    ARKALIA_ENGINES_EMBEDDED_THREADS: '1',
    ARKALIA_ENGINES_EMBEDDED_SEQUENCES: '2',
    ARKALIA_ENGINES_EMBEDDED_CONTEXT_TOKENS: '1024',
    ARKALIA_LOG_LEVEL: 'error',
  });
  client = new OpenAI({ baseURL: `${appliance.url}/v1`, apiKey: 'not-needed', maxRetries: 0 });
});
afterAll(() => appliance?.close());

const city = z.object({ city: z.enum(['Paris', 'Tokyo']) });
const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { enum: ['Paris', 'Tokyo'] } }, required: ['city'] },
  },
};
const asked = {
  model: 'tiny-chat',
  temperature: 0,
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'ping' }],
};

test.runIf(isInstalled('node-llama-cpp')).each([
  ['required', 'required'],
  ['named', { type: 'function', function: { name: 'weather' } }],
] as const)(
  'tool_choice %s: the real client gets one call that fits, whole and streamed',
  async (_name, tool_choice) => {
    const tools = [weather];
    const whole = await client.chat.completions.create({ ...asked, tools, tool_choice });
    const streamed = await client.chat.completions
      .stream({ ...asked, tools, tool_choice })
      .finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
      const [call, ...more] = choices[0]!.message.tool_calls ?? [];
      expect(more).toEqual([]);
      if (call?.type !== 'function') throw new Error('no call of a function');
      expect(call.id).not.toBe('');
      expect(call.function.name).toBe('weather');
      city.parse(JSON.parse(call.function.arguments));
    }
  },
);

test.runIf(isInstalled('node-llama-cpp')).each(['functionCalling', 'jsonSchema'] as const)(
  'LangChain’s structured output by %s is what its schema says',
  async (method) => {
    const chat = new ChatOpenAI({
      model: 'tiny-chat',
      temperature: 0,
      maxRetries: 0,
      configuration: { baseURL: `${appliance.url}/v1` },
      apiKey: 'not-needed',
    });
    city.parse(await chat.withStructuredOutput(city, { method }).invoke('Where?'));
  },
);

test.runIf(isInstalled('node-llama-cpp'))(
  'a schema that the library chokes on is a 400 for its sender; nobody else notices',
  async () => {
    const before = childrenRunning(appliance, 'model-host.js');
    expect(before).toHaveLength(1);
    const tools = [
      { type: 'function', function: { name: 'a', parameters: { type: 'object', properties: { a: null } } } },
    ];
    for (const stream of [false, true]) {
      const [bad, good] = await Promise.all([
        appliance.post('/v1/chat/completions', completion('ping', { ...asked, tools, stream })),
        client.chat.completions.create(asked),
      ]);
      expect([bad.status, await bad.json()]).toMatchObject([400, { error: { code: 'unsupported_content' } }]);
      expect(good.choices[0]!.message.content).toBe('pong');
    }
    expect(childrenRunning(appliance, 'model-host.js')).toEqual(before);
    expect((await status(appliance)).sandbox.killed).toMatchObject({ crashed: 0 });
  },
);
