import { expect, test } from 'vitest';
import { corsHeaders, createOriginCheck } from './origin.js';

const self = { scheme: 'http', host: 'localhost:8000' } as const;
const check = createOriginCheck(['https://home.example']);

test('no origin and the same origin pass without CORS', () => {
  expect(check(undefined, self)).toEqual({ ok: true });
  expect(check('http://localhost:8000', self)).toEqual({ ok: true });
});

test.each([
  'null',
  'http://localhost:8001',
  'https://localhost:8000',
  'http://evil.example',
  'http://localhost:8000.evil.example',
])('the origin %s is refused', (origin) => {
  expect(check(origin, self)).toEqual({ ok: false });
});

test('a configured origin may read the answer, named alone and never with a wildcard', () => {
  expect(check('https://home.example', self)).toEqual({ ok: true, cors: 'https://home.example' });
  expect(corsHeaders('https://home.example')['access-control-allow-origin']).toBe('https://home.example');
});
