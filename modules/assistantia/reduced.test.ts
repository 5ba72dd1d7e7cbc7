import { expect, test } from 'vitest';
import { configSchema } from '../../runtime/config/schema.js';
import type { PromptMessage } from '../../runtime/contracts/sandbox.js';
import { limitsAt } from '../../runtime/kernel/degradation-services.js';
import { reducedPrompt, smallerModels } from './reduced.js';

const say = (role: PromptMessage['role'], content: string): PromptMessage => ({ role, content });
const conversation = [
  say('system', 'S'.repeat(50)),
  say('user', 'a'.repeat(6000)),
  say('assistant', 'b'.repeat(3000)),
  say('user', 'c'.repeat(3000)),
  say('assistant', 'd'.repeat(3000)),
  say('user', 'e'.repeat(20_000)),
  say('tool', 'f'),
];
const heads = (messages: PromptMessage[]) => messages.map(({ content }) => content[0]).join('');
const at = (level: Parameters<typeof limitsAt>[0], maxTokens?: number) =>
  reducedPrompt(
    { messages: conversation, sampling: maxTokens === undefined ? {} : { maxTokens } },
    limitsAt(level),
  );

test('earlier messages go from the oldest on; system, question and what follows it stay whole', () => {
  expect(heads(at('light').messages)).toBe('Sabcdef');
  expect(heads(at('moderate').messages)).toBe('Scdef');
  expect(heads(at('heavy').messages)).toBe('Sef');
  expect(at('heavy').messages.at(-2)?.content).toHaveLength(20_000);
  expect(reducedPrompt({ messages: [], sampling: {} }, limitsAt('heavy')).messages).toEqual([]);
});

test('a gap is never left: what is older than something dropped is dropped too', () => {
  const messages = [say('user', 'x'), say('assistant', 'y'.repeat(9000)), say('user', 'z')];
  expect(heads(reducedPrompt({ messages, sampling: {} }, limitsAt('moderate')).messages)).toBe('z');
});

test('answers are never longer than the caller asked, nor than the level lets them', () => {
  expect(at('normal').sampling).toEqual({});
  expect(at('light').sampling).toEqual({ maxTokens: 512 });
  expect(at('moderate', 100).sampling).toEqual({ maxTokens: 100 });
  expect(at('moderate', 9999).sampling).toEqual({ maxTokens: 256 });
});

test('the small model answers from heavy on, where it is offered and nobody named another', () => {
  const config = configSchema.parse({ engines: { ollama: { small_model: 'tiny' } } }).engines;
  const chain = [
    { engine: 'ollama' as const, model: 'big' },
    { engine: 'openai' as const, model: 'other' },
  ];
  const engines = [{ name: 'ollama' as const, state: 'found' as const, models: ['big', 'tiny'] }];
  const chosen = (level: Parameters<typeof limitsAt>[0], model?: string, offered = engines) =>
    smallerModels(chain, { model }, { limits: limitsAt(level), config, engines: offered }).map(
      (candidate) => candidate.model,
    );
  expect(chosen('moderate')).toEqual(['big', 'other']);
  expect(chosen('heavy')).toEqual(['tiny', 'other']);
  expect(chosen('heavy', 'big')).toEqual(['big', 'other']);
  expect(chosen('heavy', undefined, [])).toEqual(['big', 'other']);
});
