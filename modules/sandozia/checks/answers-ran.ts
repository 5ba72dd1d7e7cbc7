import type { BusEvents } from '../../../runtime/contracts/bus.js';
import type { Clock } from '../../../runtime/contracts/clock.js';
import { type Check, type Finding, ok } from './check.js';

/** Prompts of one engine that are remembered; an answer whose prompt is forgotten is not doubted. */
const REMEMBERED_MAX = 4096;

/** The sandbox agrees with Assistantia: behind each answer is a prompt that its engine ran, each prompt behind one answer. */
export class AnswersRan implements Check {
  readonly name = 'answers_ran';
  readonly accountOf = 'assistantia';
  readonly kind = 'logical_consistency';
  readonly about =
    'An engine ran at least one prompt in the sandbox for each answer that is said to be its own.';
  readonly #clock: Clock;
  /** A prompt cannot be behind an answer that comes so much later. */
  readonly #longestMs: number;
  readonly #ran = new Map<string, number[]>();
  #sinceMs: number;
  #wrong: { engine: string; index: number } | undefined;

  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock;
    this.#longestMs = 2 * deadlineMs;
    this.#sinceMs = clock.monotonicMs();
  }

  listening(): void {
    this.#sinceMs = this.#clock.monotonicMs();
    this.#ran.clear();
  }

  promptBegan({ engine }: BusEvents['prompt.began']): void {
    const ran = this.#recent(engine);
    ran.push(this.#clock.monotonicMs());
    if (ran.length > REMEMBERED_MAX) {
      // Some were forgotten, so nobody is doubted until they would be too old.
      this.listening();
    }
  }

  answered({ engine, index }: BusEvents['prompt.answered']): void {
    const ran = this.#recent(engine);
    // The first prompts may have begun before anybody listened.
    if (this.#clock.monotonicMs() - this.#sinceMs < this.#longestMs) return;
    if (ran.shift() === undefined) this.#wrong ??= { engine, index };
  }

  /** Tells the first that was wrong since it was last asked. */
  compare(): Finding {
    const wrong = this.#wrong;
    this.#wrong = undefined;
    return wrong === undefined ? ok : { level: 'critical', fault: 'answer_without_prompt', evidence: wrong };
  }

  #recent(engine: string): number[] {
    const ran = this.#ran.get(engine) ?? [];
    this.#ran.set(engine, ran);
    const oldestMs = this.#clock.monotonicMs() - this.#longestMs;
    let old = 0;
    while (ran[old] !== undefined && ran[old]! < oldestMs) old += 1;
    if (old > 0) ran.splice(0, old);
    return ran;
  }
}
