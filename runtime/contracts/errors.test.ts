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

it('a refusal that passes by itself says when to come back, in every form; who knows it better is believed', () => {
  const passing = Object.entries(errorCodes).filter(([, [status]]) => status === 429 || status === 503);
  expect(passing.length).toBeGreaterThan(5);
  for (const [code] of passing) {
    // Only a restart helps there, and nobody knows when it comes.
    if (code === 'system_reboot_required') continue;
    for (const shape of ['problem', 'openai', 'ollama'] as const) {
      const plain = failureAnswer(new AppError(code as ErrorCode, 'not now'), shape, 'r-1');
      expect([code, Number(plain.headers['retry-after']) >= 1]).toEqual([code, true]);
      const told = failureAnswer(
        new AppError(code as ErrorCode, 'not now', { retryAfterMs: 61_000 }),
        shape,
        'r-1',
      );
      expect(told.headers['retry-after']).toBe('61');
    }
    expect(problemBody(new AppError(code as ErrorCode, 'not now'), 'r-1').retry_after_ms).toBeGreaterThan(0);
  }
  expect(failureAnswer(new AppError('forbidden', 'never'), 'problem', 'r-1').headers).not.toHaveProperty(
    'retry-after',
  );
});
