import fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { PromptRetries } from './prompt-retries.js';

test('whatever fails, second tries are never more than a fifth of the prompts, and all are counted', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (prompts) => {
      const retries = new PromptRetries(new Registry());
      let allowed = 0;
      let failed = 0;
      for (const [at, fails] of prompts.entries()) {
        retries.asked();
        if (fails) failed += 1;
        if (fails && retries.mayRetry()) allowed += 1;
        expect(allowed).toBeLessThanOrEqual((at + 1) * 0.2 + 1e-9);
      }
      expect(retries.counts()).toEqual({
        asked: prompts.length,
        retried: allowed,
        refused: failed - allowed,
      });
    }),
  );
});

test('a long calm saves up ten second tries, not more', () => {
  const retries = new PromptRetries(new Registry());
  for (let n = 0; n < 1000; n++) retries.asked();
  let allowed = 0;
  while (retries.mayRetry()) allowed += 1;
  expect(allowed).toBe(10);
});

test('the counts are metrics', async () => {
  const metrics = new Registry();
  const retries = new PromptRetries(metrics);
  for (let n = 0; n < 5; n++) retries.asked();
  expect([retries.mayRetry(), retries.mayRetry()]).toEqual([true, false]);
  const text = await metrics.metrics();
  expect(text).toContain('arkalia_prompts_asked_total 5');
  expect(text).toContain('arkalia_prompts_retried_total 1');
  expect(text).toContain('arkalia_prompts_refused_total 1');
});
