import { expect, test } from 'vitest';
import { createNavigator } from '../modules/assistantia/navigator/index.js';
import { topics } from '../modules/assistantia/navigator/topics/all.js';
import { composeNavigator } from '../sandbox/engines/navigator.js';
import { createFakeContext } from './support/fake-context.js';

function appliance() {
  const base = createFakeContext();
  const { status } = base;
  const sample = {
    monotonic_ms: 0,
    cpu: 12.5,
    ram: 34.5,
    disk: 56.5,
    load_1m: 0.5,
    absent: ['temperature_c'],
  };
  const context = {
    ...base,
    status: () => ({
      ...status(),
      modules: {
        reflexia: { version: '0.1.0', priority: 'critical' as const, state: 'ok' as const, facts: sample },
      },
    }),
  };
  const navigator = createNavigator(context);
  const ask = async (question: string) => {
    const brief = await navigator.brief(question);
    return [...composeNavigator(question, brief)].join('');
  };
  return { context, navigator, ask };
}

test.each(topics.map((topic) => [topic.id, topic] as const))(
  'what is gathered about %s can be worded',
  async (_id, topic) => {
    const { context, navigator } = appliance();
    const empty = await topic.gather(context, '');
    await context.ledger.append({ type: 'decision_made', module: 'zeroia', stream: 'device', data: {} });
    const full = await topic.gather(context, 'http settings');
    const failed = [{ id: 'unavailable', facts: { topic: topic.id }, source: topic.source }];
    for (const gathered of [empty, full, failed]) {
      expect(gathered.length).toBeGreaterThan(0);
      for (const lang of ['en', 'fr'] as const) {
        const brief = { lang, topics: gathered, passages: [], modelLoaded: true };
        expect([...composeNavigator('', brief)].join('')).toMatch(/\p{L}/u);
      }
    }
    navigator.close();
  },
);

test('a question travels from words to an answer with its sources, in both languages', async () => {
  const { navigator, ask } = appliance();
  const english = await ask('How hot is it, and how full is the disk?');
  expect(english).toContain('The temperature of the processor is not readable on this device.');
  expect(english).toContain('56.5% full');
  expect(english).toContain('[1] GET /reflexia/status');
  expect(english).toContain('No language model is loaded');
  const french = await ask('Quelle est la charge du processeur ?');
  expect(french).toContain('Le processeur est occupé à 12,5 %.');
  expect(french).toContain('Aucun modèle de langage');
  expect(await ask('Who won the football cup in 1998?')).toMatch(/^I have no answer to that/);
  navigator.close();
  navigator.close();
});
