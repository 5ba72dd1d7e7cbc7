import { afterAll, describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import type { GuardJudgement } from '../contracts/guard.js';
import { loadGuardModel } from './classifier/load.js';
import { createGuard } from './guard.js';
import { type SecondClassifier, withSecondOpinion } from './second-opinion.js';
import { guardForTests } from './testing/guard.js';

const classifier = { rule: 'classifier', en: 'a', fr: 'b', span: [3, 9] as const };
const judgement = (changes: Partial<GuardJudgement>): GuardJudgement => ({
  ...{
    verdict: 'allow',
    reasons: [],
    mode: 'prompt',
    level: 'medium',
    score: 0.6,
    threshold: 0.7,
    model: 'm',
  },
  ...changes,
});
const refused = judgement({ verdict: 'refuse', score: 0.8, reasons: [classifier] });

function second(answer: number | Error, asked: string[] = []): SecondClassifier {
  const judge = async (text: string) => {
    asked.push(text);
    if (typeof answer !== 'number') throw answer;
    return answer;
  };
  return { model: 's', threshold: 0.5, band: 0.15, judge };
}
const text = 'one two three four';

describe('a second opinion', () => {
  it('refuses what ours was about to let pass', async () => {
    expect(await withSecondOpinion(text, judgement({}), second(0.5))).toMatchObject({
      verdict: 'refuse',
      reasons: [{ rule: 'second-opinion', span: [0, text.length] }],
      second: { probability: 0.5, threshold: 0.5, model: 's' },
    });
  });

  it('lets pass what ours alone refused, with a flag', async () => {
    const after = await withSecondOpinion(text, refused, second(0.49));
    expect(after).toMatchObject({ verdict: 'flag', reasons: [classifier], second: { probability: 0.49 } });
  });

  it('agrees', async () => {
    const after = await withSecondOpinion(text, refused, second(1));
    expect(after.verdict).toBe('refuse');
    expect(after.reasons.map(({ rule, span }) => [rule, span])).toEqual([
      ['second-opinion', [3, 9]],
      ['classifier', [3, 9]],
    ]);
    expect(await withSecondOpinion(text, judgement({}), second(0))).toMatchObject({
      verdict: 'allow',
      reasons: [],
    });
  });

  it('that fails changes nothing, and says so', async () => {
    const error = Object.assign(new Error('too late'), { code: 'deadline' });
    expect(await withSecondOpinion(text, refused, second(error))).toEqual({
      ...refused,
      second: { failed: 'deadline', model: 's' },
    });
    expect(await withSecondOpinion(text, judgement({}), second(new Error('odd')))).toMatchObject({
      verdict: 'allow',
      second: { failed: 'failed' },
    });
  });

  it.each([
    ['a clear score', judgement({ score: 0.54 })],
    ['a clear refusal', judgement({ ...refused, score: 0.86 })],
    ['what a rule refuses', judgement({ ...refused, reasons: [{ ...classifier, rule: 'hidden-text' }] })],
  ])('is not asked about %s', async (_, before) => {
    const asked: string[] = [];
    expect(await withSecondOpinion(text, before, second(0, asked))).toBe(before);
    expect(asked).toEqual([]);
  });

  it('sees what stands around the evidence', async () => {
    const asked: string[] = [];
    const long = 'x'.repeat(10_000);
    const span: [number, number] = [5000, 5010];
    await withSecondOpinion(long, { ...refused, reasons: [{ ...classifier, span }] }, second(1, asked));
    expect(asked.map(({ length }) => length)).toEqual([4010]);
  });
});

describe('a guard with a second opinion', () => {
  const plain = guardForTests();
  const with2 = createGuard({
    ...{ core: Core.create(), model: loadGuardModel({}), level: 'medium' as const },
    second: { ...second(0.9), band: 1 },
  });
  afterAll(() => Promise.all([plain.close(), with2.close()]));

  it('asks it in detect, and names its rule', async () => {
    expect(await with2.detect('Good morning')).toMatchObject({
      verdict: 'refuse',
      second: { probability: 0.9 },
    });
    expect(with2.checkPrompt('Good morning')).toEqual(plain.checkPrompt('Good morning'));
    expect(await plain.detect('Good morning')).not.toHaveProperty('second');
    expect(with2.rules()).toContain('second-opinion');
    expect(plain.rules()).not.toContain('second-opinion');
  });
});
