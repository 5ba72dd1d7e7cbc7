import { expect, test } from 'vitest';
import type { EngineView } from '../../runtime/contracts/sandbox.js';
import { type ChainSources, offeredModels, resolveChain } from './chain.js';

const ollama: EngineView = {
  name: 'ollama',
  state: 'found',
  models: ['llama3.2:latest', 'qwen:0.5b'],
  defaultModel: 'llama3.2:latest',
};
const openai: EngineView = {
  name: 'openai',
  state: 'found',
  models: ['org/model', 'qwen:0.5b'],
  defaultModel: 'org/model',
};
const embedded: EngineView = { name: 'embedded', state: 'absent', models: [] };
const navigator: EngineView = {
  name: 'navigator',
  state: 'found',
  models: ['navigator'],
  defaultModel: 'navigator',
};

const sources: ChainSources = {
  engines: [ollama, openai, embedded, navigator],
  order: ['openai', 'ollama', 'embedded', 'navigator'],
  aliases: { fast: ['ollama/qwen:0.5b', 'embedded', 'navigator'], gone: ['embedded'] },
};
const chain = (model: string | undefined, navigatorByDefault = false) =>
  resolveChain({ model, navigatorByDefault }, sources).map(
    (candidate) => `${candidate.engine}/${candidate.model}`,
  );

test('without a model the order is tried, navigator only where it may answer', () => {
  expect(chain(undefined)).toEqual(['openai/org/model', 'ollama/llama3.2:latest']);
  expect(chain(undefined, true)).toEqual([
    'openai/org/model',
    'ollama/llama3.2:latest',
    'navigator/navigator',
  ]);
});

test('arkalia is the order with navigator', () => {
  expect(chain('arkalia')).toEqual(['openai/org/model', 'ollama/llama3.2:latest', 'navigator/navigator']);
});

test('a named model is answered by engines that offer it and by no other', () => {
  expect(chain('qwen:0.5b')).toEqual(['openai/qwen:0.5b', 'ollama/qwen:0.5b']);
  expect(chain('llama3.2')).toEqual(['ollama/llama3.2:latest']);
  expect(chain('org/model')).toEqual(['openai/org/model']);
  expect(chain('ollama/qwen:0.5b')).toEqual(['ollama/qwen:0.5b']);
});

test('an alias is its chain, of which only what is there is tried', () => {
  expect(chain('fast')).toEqual(['ollama/qwen:0.5b', 'navigator/navigator']);
  expect(chain('gone')).toEqual([]);
});

test.each(['gpt-4', 'ollama/gpt-4', 'ollama/', 'embedded/x', '', '__proto__', 'constructor'])(
  '%j is not found',
  (model) => {
    expect(() => chain(model)).toThrow(expect.objectContaining({ code: 'model_not_found' }));
  },
);

test('an engine outside the order is not used and not offered', () => {
  const narrow = { ...sources, order: ['navigator' as const] };
  expect(() => resolveChain({ model: 'org/model', navigatorByDefault: false }, narrow)).toThrow();
  expect(offeredModels(narrow)).toEqual(['arkalia', 'fast', 'gone', 'navigator']);
});
