import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LeakWatcher, PromptRuns } from './leak.js';

const words = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 });

it('tells the longest run of the prompt that the answer ends with', () => {
  fc.assert(
    fc.property(words, words, (prompt, answer) => {
      const runs = new PromptRuns(prompt.join(' '));
      let at = { state: 0, run: 0 };
      answer.forEach((word, index) => {
        at = runs.step(at, word);
        expect(at.run).toBe(longestRun(prompt, answer.slice(0, index + 1)));
      });
    }),
    { numRuns: 500 },
  );
});

/** By comparing every run with every place of the prompt. */
function longestRun(prompt: string[], answer: string[]): number {
  const text = `,${prompt.join(',')},`;
  for (let run = answer.length; run > 0; run--) {
    if (text.includes(`,${answer.slice(-run).join(',')},`)) return run;
  }
  return 0;
}

it.each([
  [4, undefined],
  [5, 5],
  [10, 6],
  [20, 12],
  [4000, 12],
])('a prompt of %d words leaks by a run of %s', (count, run) => {
  const prompt = Array.from({ length: count }, (_item, index) => `w${index}`).join(' ');
  expect(new PromptRuns(prompt).runLength).toBe(run);
});

it('never goes back behind what it has let go', () => {
  fc.assert(
    fc.property(
      words,
      words,
      fc.array(fc.constantFrom(' ', ', ', ' '.repeat(300)), { minLength: 1 }),
      (prompt, answer, gaps) => {
        const watcher = new LeakWatcher(new PromptRuns(prompt.join(' ')), 5);
        let safe = 0;
        let position = 0;
        for (const unit of answer.map((word, index) => word + gaps[index % gaps.length]).join('')) {
          const leak = watcher.push(unit);
          position++;
          if (leak !== undefined) {
            expect(leak.start).toBeGreaterThanOrEqual(safe);
            expect(leak.end).toBe(position);
            return;
          }
          // Not an expect for each of millions of characters: that takes longer than all that is tried.
          if (watcher.safe < safe || position - watcher.safe > 256)
            throw new Error(`at ${position} safe is ${watcher.safe} after ${safe}`);
          safe = watcher.safe;
        }
      },
    ),
    { numRuns: 500 },
  );
});
