import { describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { personalKinds } from '../contracts/guard.js';
import { loadGuardModel } from './classifier/load.js';
import { createGuard } from './guard.js';
import { guardForTests } from './testing/guard.js';

const model = loadGuardModel({});
const guard = createGuard({ core: Core.create(), model, level: 'medium', personalData: personalKinds });
const usual = guardForTests();

function answered(text: string, which = guard) {
  const whole = which.watchOutput({});
  const first = whole.push(text);
  const last = whole.finish();
  const release = first.release + last.release;
  const cut = first.cut ?? last.cut;
  // The same, letter by letter.
  const slow = which.watchOutput({});
  let released = '';
  let slowCut: typeof cut;
  for (const step of [...Array.from(text, (letter) => () => slow.push(letter)), () => slow.finish()]) {
    const { release: more, cut: now } = step();
    released += more;
    slowCut ??= now;
  }
  expect([released, slowCut]).toEqual([release, cut]);
  return { release, rule: cut?.reasons[0]?.rule };
}

describe('personal data', () => {
  it.each([
    ['personal-email', 'ada.lovelace@mail.example'],
    ['personal-email', 'a+b@x-y.co'],
    ['personal-phone', '+33 6 12 34 56 78'],
    ['personal-phone', '06.12.34.56.78'],
    ['personal-phone', '+44 (20) 7946-0958'],
    ['personal-card', '4111 1111 1111 1111'],
    ['personal-card', '378282246310005'],
    ['personal-iban', 'FR14 2004 1010 0505 0001 3M02 606'],
    ['personal-iban', 'DE89370400440532013000'],
    ['personal-nir', '255081416802538'],
  ])('%s: %j is cut at its beginning', (rule, value) => {
    for (const after of ['', '.', ' and so on'])
      expect(answered(`Here it is: ${value}${after}`)).toEqual({ release: 'Here it is: ', rule });
  });

  it.each([
    'Write to me @home or at mail dot example.',
    'The order 4111 1111 1111 1112 is on its way.',
    'FR14 2004 1010 0505 0001 3M02 607 has a typing error.',
    'In 2024 we had 1200 visitors, 35 more than in 2023.',
    'The distance is 0.123456789 light years.',
    'Version 10.20.30.40 of the program',
    'ISBN 978-2-07-036822-8',
    'Pi is 3.14159265358979323846.',
    'π ≈ 3,1415 et e ≈ 2,7182818284 ; 0 degré, +12 °C',
  ])('%j passes whole', (text) => {
    expect(answered(text)).toEqual({ release: text, rule: undefined });
  });

  it('passes where the configuration names none', () => {
    const text = 'Call 06 12 34 56 78 or write to ada@mail.example.';
    expect(answered(text, usual)).toEqual({ release: text, rule: undefined });
    expect(usual.rules()).not.toContain('personal-email');
    expect(guard.rules()).toContain('personal-email');
  });
});

describe('the canary', () => {
  const canary = 'qxabcdefgh234567';
  const watch = () =>
    usual.watchOutput({ systemPrompt: 'You help with the garden, and with nothing else.', canary });

  it.each([`It says ${canary}.`, `It says ${canary.toUpperCase()}`, `${canary}`])(
    'in %j cuts the answer',
    (text) => {
      const watcher = watch();
      const steps = [...Array.from(text, (letter) => watcher.push(letter)), watcher.finish()];
      expect(steps.map(({ release }) => release).join('')).toBe(
        text.slice(0, text.toLowerCase().indexOf(canary)),
      );
      expect(steps.flatMap(({ cut }) => cut?.reasons.map(({ rule }) => rule) ?? [])).toEqual([
        'system-prompt-leak',
      ]);
    },
  );

  it('does not hold other words', () => {
    const watcher = watch();
    expect(watcher.push('Half an answer').release).toBe('Half an answer');
    expect(watcher.push(' quick').release).toBe(' quick');
  });
});

describe('what is held too long', () => {
  const secret = `sk-${'Ab3dEf6h'.repeat(5)}`;

  it('is released, and what follows it is cut all the same', () => {
    const watcher = usual.watchOutput({});
    expect(watcher.push(`The key: ${secret.slice(0, 8)}`).release).toBe('The key: ');
    expect(watcher.held()).toEqual({ from: 9, count: 8 });
    expect(watcher.expire()).toEqual({ release: secret.slice(0, 8) });
    expect(watcher.held().count).toBe(0);
    expect(watcher.push(secret.slice(8, 12)).release).toBe('');
    const { release, cut } = watcher.push(secret.slice(12));
    expect(release).toBe('');
    expect(cut?.reasons[0]).toMatchObject({ rule: 'secret-in-answer', span: [9, expect.any(Number)] });
  });

  it('is said once when it turns out to be harmless', () => {
    const watcher = usual.watchOutput({});
    watcher.push('See sk-');
    watcher.expire();
    expect(watcher.push('ip it. ').release).toBe('ip it. ');
    expect(watcher.push('Bye').release + watcher.finish().release).toBe('Bye');
  });
});
