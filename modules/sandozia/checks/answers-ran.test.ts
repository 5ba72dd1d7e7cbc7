import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../../test/support/fake-context.js';
import { AnswersRan } from './answers-ran.js';

const deadlineMs = 1000;

function make() {
  const clock = new ManualClock();
  const check = new AnswersRan(clock, deadlineMs);
  check.listening();
  clock.advance(2 * deadlineMs);
  const answer = (engine = 'openai') =>
    check.answered({ engine, model: 'quill', requestId: 'r-1', index: 7 });
  const wrong = {
    level: 'critical',
    fault: 'answer_without_prompt',
    evidence: { engine: 'openai', index: 7 },
  };
  return { clock, check, answer, wrong };
}

test('an answer behind which no prompt is, of its own engine and within the deadline, is told once', () => {
  const { clock, check, answer, wrong } = make();
  check.promptBegan({ engine: 'openai' });
  answer();
  expect(check.compare()).toEqual({ level: 'ok' });
  answer();
  expect(check.compare()).toEqual(wrong);
  expect(check.compare()).toEqual({ level: 'ok' });
  check.promptBegan({ engine: 'ollama' });
  answer();
  expect(check.compare()).toEqual(wrong);
  check.promptBegan({ engine: 'openai' });
  clock.advance(2 * deadlineMs + 1);
  answer();
  expect(check.compare()).toEqual(wrong);
});

test('prompts that nobody heard begin doubt no answer: after a start, and after too many at once', () => {
  const { clock, check, answer, wrong } = make();
  check.listening();
  clock.advance(2 * deadlineMs - 1);
  answer();
  expect(check.compare()).toEqual({ level: 'ok' });
  clock.advance(1);
  answer();
  expect(check.compare()).toEqual(wrong);
  for (let n = 0; n < 5000; n++) check.promptBegan({ engine: 'openai' });
  for (let n = 0; n < 5000; n++) answer();
  expect(check.compare()).toEqual({ level: 'ok' });
});

test('whoever answers only what ran, and in time, is never doubted', () => {
  const step = fc.oneof(
    fc.record({ begin: fc.constantFrom('openai', 'ollama') }),
    fc.record({ end: fc.nat(), fails: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, check, answer } = make();
      const running: { engine: string; atMs: number }[] = [];
      for (const one of steps) {
        clock.advance(100);
        if ('begin' in one) {
          check.promptBegan({ engine: one.begin });
          running.push({ engine: one.begin, atMs: clock.monotonicMs() });
        } else if (running.length > 0) {
          const [ended] = running.splice(one.end % running.length, 1);
          if (!one.fails && clock.monotonicMs() - ended!.atMs <= deadlineMs) answer(ended!.engine);
        }
        expect(check.compare()).toEqual({ level: 'ok' });
      }
    }),
  );
});
