import { expect, test } from 'vitest';
import { OwnQuarantine } from '../../modules/assistantia/own-quarantine.js';
import { LedgerHoldsAnswer } from '../../modules/sandozia/checks/ledger-holds-answer.js';
import { Examiner } from '../../modules/sandozia/examiner.js';
import { AccountsAgree } from '../../runtime/recovery/checks/accounts-agree.js';
import { createFakeContext } from '../support/fake-context.js';

test('models are not asked from the finding on until the release by rule, navigator always', async () => {
  const context = createFakeContext();
  const { bus, clock, ledger } = context;
  const own = new OwnQuarantine();
  const end = own.listen(bus);
  const examiner = new Examiner(context, [new LedgerHoldsAnswer(ledger)]);
  examiner.listen();
  const answer = (index: number) =>
    bus.publish('prompt.answered', { engine: 'openai', model: 'quill', requestId: 'r-1', index });
  own.check('openai');
  answer(99);
  await examiner.validate();
  expect(() => own.check('openai')).toThrow(
    expect.objectContaining({ code: 'degraded', retryAfterMs: 60_000 }),
  );
  own.check('navigator');
  // Another false one when its time is over prolongs it, one that agrees ends it.
  clock.advance(60_000);
  answer(99);
  await examiner.validate();
  expect(examiner.quarantine.all()).toMatchObject([
    { module: 'assistantia', retries: 1, duration_ms: 120_000 },
  ]);
  expect(() => own.check('ollama')).toThrow();
  clock.advance(120_000);
  const data = { engine: 'openai', model: 'quill' };
  const { index } = await ledger.append({
    type: 'chat_answered',
    module: 'assistantia',
    correlationId: 'r-1',
    data,
  });
  answer(index);
  await examiner.validate();
  own.check('openai');
  expect(ledger.events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['module_quarantined', 'module_released']),
  );
  // A module that is stopped holds nothing when it is started again.
  bus.publish('module.quarantined', { module: 'assistantia', fault: 'x' });
  end();
  own.check('openai');
  await examiner.stop();
  expect(bus.subscriptions()).toBe(0);
});

test('a person is told of whom nobody can set aside, and of a quarantine that does not end by itself', () => {
  const issues = (facts: Record<string, unknown> | undefined) =>
    new AccountsAgree(() => ({ sandozia: { state: 'ok', ...(facts === undefined ? {} : { facts }) } }))
      .run()
      .map(({ target }) => target);
  const held = (module: string, retries: number) => ({ module, check: 'c', fault: 'f', retries });
  expect(issues(undefined)).toEqual([]);
  expect(issues({ quarantined: 'nobody' })).toEqual([]);
  expect(
    issues({
      quarantined: [held('zeroia', 2), held('assistantia', 3), held('helloria', 0), held('other', 0)],
    }),
  ).toEqual(['assistantia', 'helloria', 'other']);
  expect(new AccountsAgree(() => ({})).run()).toEqual([]);
});
