import { expect, test } from 'vitest';
import { AppError } from '../../../runtime/contracts/errors.js';
import { FakeLedger, floorScore, ManualClock } from '../../../test/support/fake-context.js';
import { LedgerHoldsDecision } from './ledger-holds-decision.js';

const input = { cpu: 70, ram: 10, severity: 'normal' as const };
const made = (index: number) => ({ id: 'd-1', stream: 'device', input, score: floorScore(input), index });

async function recorded(
  data: Record<string, string>,
  event: { type?: 'system_error'; stream?: string } = {},
) {
  const ledger = new FakeLedger(new ManualClock());
  await ledger.append({ type: 'system_started', module: 'kernel', data: {} });
  await ledger.append({ type: 'decision_made', module: 'zeroia', stream: 'device', ...event, data });
  return new LedgerHoldsDecision(ledger);
}

test('nothing announced, nothing compared', async () => {
  const check = await recorded({});
  expect(await check.compare()).toMatchObject({ level: 'info', fault: 'no_decision' });
});

test('the same decision at its index is silent', async () => {
  const check = await recorded({ id: 'd-1', decision: 'monitor' });
  check.decided(made(1));
  expect(await check.compare()).toEqual({ level: 'ok' });
});

test.each([
  ['missing_from_ledger', 2, { id: 'd-1', decision: 'monitor' }, {}],
  ['another_event', 0, { id: 'd-1', decision: 'monitor' }, {}],
  ['another_event', 1, { id: 'd-1', decision: 'monitor' }, { type: 'system_error' as const }],
  ['another_decision', 1, { id: 'd-2', decision: 'monitor' }, {}],
  ['another_decision', 1, { id: 'd-1', decision: 'monitor' }, { stream: 'posted:x' }],
  ['decision_differs', 1, { id: 'd-1', decision: 'normal' }, {}],
])('%s', async (fault, index, data, event) => {
  const check = await recorded(data, event);
  check.decided(made(index));
  expect(await check.compare()).toMatchObject({
    level: 'critical',
    fault,
    evidence: { decision_index: index, announced: 'monitor' },
  });
});

test('a ledger that does not answer is passed on, not judged', async () => {
  const ledger = new FakeLedger(new ManualClock());
  ledger.failure = new AppError('ledger_unavailable', 'the disk is gone');
  const check = new LedgerHoldsDecision(ledger);
  check.decided(made(0));
  await expect(check.compare()).rejects.toThrow('the disk is gone');
});
