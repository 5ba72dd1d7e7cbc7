import { expect, test } from 'vitest';
import { createLogger } from './logger.js';

function lines(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const out: string[] = [];
  write(createLogger({ level: 'info' }, { write: (line: string) => out.push(line) }));
  return out.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('secrets and what people typed are left out at every depth that is used', () => {
  const secret = 'ark_secret and what I typed';
  const [line] = lines((log) =>
    log.info(
      {
        prompt: secret,
        headers: { authorization: secret },
        request: { body: { message: secret, messages: [secret] }, content: secret },
        kept: 'fact',
      },
      'request',
    ),
  );
  expect(JSON.stringify(line)).not.toContain('typed');
  expect(line).toMatchObject({ kept: 'fact', msg: 'request', prompt: '[redacted]' });
});

test('an error is kept with its cause, code and stack', () => {
  const cause = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  const [line] = lines((log) => log.error({ err: new Error('cannot record', { cause }) }, 'failed'));
  expect(line).toMatchObject({
    err: { what: 'cannot record', cause: { what: 'no space left', error_code: 'ENOSPC' } },
  });
});

test('less severe lines than the level are not written', () => {
  expect(lines((log) => log.debug('request'))).toEqual([]);
});
