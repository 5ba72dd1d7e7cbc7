import { expect, test } from 'vitest';
import { AppError } from '../../../runtime/contracts/errors.js';
import { FakeLedger, ManualClock } from '../../../test/support/fake-context.js';
import { LedgerHoldsAnswer } from './ledger-holds-answer.js';

async function recorded() {
  const ledger = new FakeLedger(new ManualClock());
  await ledger.append({ type: 'system_started', module: 'kernel', data: {} });
  await ledger.append({
    type: 'chat_answered',
    module: 'assistantia',
    correlationId: 'r-1',
    data: { engine: 'openai', model: 'quill' },
  });
  return { ledger, check: new LedgerHoldsAnswer(ledger) };
}
const given = { engine: 'openai', model: 'quill', requestId: 'r-1', index: 1 };

test('nothing answered, nothing compared; the same answer at its index is silent', async () => {
  const { check } = await recorded();
  expect(await check.compare()).toMatchObject({ level: 'info', fault: 'no_answer' });
  check.answered(given);
  expect(await check.compare()).toEqual({ level: 'ok' });
  expect(await check.compare()).toEqual({ level: 'ok' });
});

test.each([
  ['missing_from_ledger', { index: 2 }],
  ['another_event', { index: 0 }],
  ['another_request', { requestId: 'r-2' }],
  ['speaker_differs', { model: 'large' }],
  ['speaker_differs', { engine: 'ollama' }],
])('%s is told once, until another answer is given', async (fault, change) => {
  const { check } = await recorded();
  check.answered({ ...given, ...change });
  expect(await check.compare()).toMatchObject({ level: 'critical', fault });
  expect(await check.compare()).toEqual({ level: 'ok' });
});

test('a ledger that does not answer is passed on, not judged, and the answer is compared later', async () => {
  const { ledger, check } = await recorded();
  check.answered({ ...given, requestId: 'r-2' });
  ledger.failure = new AppError('ledger_unavailable', 'the disk is gone');
  await expect(check.compare()).rejects.toThrow('the disk is gone');
  ledger.failure = undefined;
  expect(await check.compare()).toMatchObject({ fault: 'another_request' });
});
