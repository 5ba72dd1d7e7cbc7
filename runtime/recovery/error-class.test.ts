import { expect, test } from 'vitest';
import { AppError, errorCodes, SystemRebootRequired } from '../contracts/errors.js';
import { SandboxError } from '../contracts/sandbox.js';
import { classify } from './error-class.js';

const coded = (code: string) => Object.assign(new Error('disk full, try again, corrupt'), { code });

test.each([
  [coded('ECONNREFUSED'), 'transient'],
  [coded('SQLITE_BUSY_SNAPSHOT'), 'transient'],
  [coded('UND_ERR_SOCKET'), 'transient'],
  [coded('ENOSPC'), 'overload'],
  [coded('EROFS'), 'permanent'],
  [coded('SQLITE_CORRUPT_INDEX'), 'integrity'],
  [new SandboxError('crashed', 'x'), 'transient'],
  [new SandboxError('protocol', 'x'), 'integrity'],
  [new AppError('invalid_json', 'x'), 'caller'],
  [new AppError('queue_full', 'x'), 'overload'],
  [new SystemRebootRequired('x'), 'permanent'],
  [new AppError('internal', 'x', { cause: coded('ENOSPC') }), 'overload'],
  [new Error('x', { cause: new Error('y', { cause: coded('EAI_AGAIN') }) }), 'transient'],
  [new Error('the text says timeout'), 'permanent'],
  [new TypeError('x'), 'permanent'],
  ['a string', 'permanent'],
])('%o is %s', (error, kind) => {
  expect(classify(error)).toBe(kind);
});

test('a cause that leads to itself ends, and every code of ours has a class', () => {
  const error = new Error('x');
  error.cause = error;
  expect(classify(error)).toBe('permanent');
  for (const code of Object.keys(errorCodes) as (keyof typeof errorCodes)[]) {
    const { status } = new AppError(code, 'x');
    if (status >= 500) expect(classify(new AppError(code, 'x'))).not.toBe('caller');
  }
});
