import { describe, expect, it } from 'vitest';
import {
  AppError,
  CognitiveOverloadError,
  DecisionIntegrityError,
  type ErrorCode,
  errorCodes,
  SystemRebootRequired,
} from './errors.js';
import { asAppError, failureAnswer, problemBody } from './failure.js';
import { recoveryOf, recoveryStrategies } from './recovery.js';

const cause = new Error('only for the log');

describe('the exceptions of the domain', () => {
  it.each([
    [
      new CognitiveOverloadError('too many', { retryAfterMs: 1500 }),
      'cognitive_overload',
      503,
      'graceful_degradation',
    ],
    [new DecisionIntegrityError('it disagrees', { cause }), 'decision_integrity', 500, 'manual_intervention'],
    [new SystemRebootRequired('it is broken', { cause }), 'system_reboot_required', 503, 'restart'],
  ] as const)('%s is an AppError with its code, status and recovery', (error, code, status, recovery) => {
    expect(error).toBeInstanceOf(AppError);
    expect(asAppError(error)).toBe(error);
    expect(problemBody(error, 'r-1')).toMatchObject({ code, status, recovery });
    const answer = failureAnswer(error, 'problem', 'r-1');
    expect([answer.status, answer.headers['retry-after']]).toEqual([
      status,
      code === 'cognitive_overload' ? '2' : undefined,
    ]);
    expect(answer.text).not.toContain('only for the log');
  });
});

it("a caller's own mistake has no recovery but another request; every failure of ours has one", () => {
  for (const [code, [status]] of Object.entries(errorCodes)) {
    const strategy = recoveryOf[code as ErrorCode];
    if (strategy === null) expect([code, status < 500]).toEqual([code, true]);
    else expect(recoveryStrategies).toContain(strategy);
  }
  expect(new Set(Object.values(recoveryOf))).toEqual(new Set([null, ...recoveryStrategies]));
});
