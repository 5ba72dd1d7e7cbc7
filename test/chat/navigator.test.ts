import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { eventually, ledgerEvents, startAppliance } from './support.js';

let modelless: TestAppliance;

beforeAll(async () => {
  modelless = await startAppliance({ ARKALIA_REFLEXIA_INTERVAL_MS: '200' });
});
afterAll(() => modelless?.close());

describe('questions about the device, without a language model', () => {
  test.each([
    [
      'English',
      'How much memory is in use?',
      /^(\d+(?:\.\d+)?)% of the memory/,
      'No language model is loaded',
    ],
    [
      'French',
      'Quelle part de la mémoire est utilisée ?',
      /^(\d+(?:,\d+)?)\s% de la mémoire/,
      'Aucun modèle de langage',
    ],
  ])('in %s the memory is that of a sample', async (_, message, figure, plainly) => {
    await eventually(async () => (await modelless.json('/reflexia/status')).sample ?? undefined);
    const { answer, engine } = (await (await modelless.post('/chat', { message })).json()) as {
      answer: string;
      engine: string;
    };
    expect(engine).toBe('navigator');
    const said = Number(figure.exec(answer)?.[1]?.replace(',', '.'));
    const { history } = (await modelless.json('/reflexia/status')) as { history: { ram: number }[] };
    expect(
      history.some(({ ram }) => Math.abs(ram - said) <= 0.051),
      `${said} in the samples`,
    ).toBe(true);
    expect(answer).toContain('GET /reflexia/status');
    expect(answer).toContain(plainly);
  });

  test('the last decision is one of the ledger', async () => {
    await eventually(async () => (await ledgerEvents(modelless, 'type=decision_made'))[0]);
    const response = await modelless.post('/chat', { message: 'What was the last decision and why?' });
    const { answer } = (await response.json()) as { answer: string };
    const [, index, decision] = /Decision in event (\d+) at [^:]+:[^ ]+ UTC: (\w+)/.exec(answer) ?? [];
    const [event] = await ledgerEvents(modelless, `since=${index}`);
    expect(event).toMatchObject({ type: 'decision_made', data: { decision } });
  });

  test('what was never measured is not made up', async () => {
    const { sample } = (await modelless.json('/reflexia/status')) as { sample: { temperature_c?: number } };
    const response = await modelless.post('/chat', { message: 'How warm are you?' });
    const { answer } = (await response.json()) as { answer: string };
    expect(/\d ?°C/.test(answer)).toBe(sample.temperature_c !== undefined);
  });
});
