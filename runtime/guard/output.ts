import type { GuardResult, OutputGuard, OutputStep } from '../contracts/guard.js';
import { ALIVE, type Detector } from './detector.js';
import { type Leak, LeakWatcher, type PromptRuns } from './leak.js';
import { linkDetectors } from './links.js';
import { secretDetectors } from './secrets.js';

const detectors: readonly Detector[] = [...secretDetectors, ...linkDetectors];
const byFirst = new Map<string, Detector[]>();
for (const detector of detectors) {
  for (const first of detector.first) byFirst.set(first, [...(byFirst.get(first) ?? []), detector]);
}

const leakReason = {
  rule: 'system-prompt-leak',
  en: "The answer repeats the assistant's own instructions.",
  fr: "La réponse répète les instructions propres de l'assistant.",
};

/** Ids of what answers are watched for. */
export const outputRules: readonly string[] = [
  ...new Set([...detectors.map(({ rule }) => rule), leakReason.rule]),
];

interface Match extends Leak {
  reason: { rule: string; en: string; fr: string };
}

interface WatcherOptions {
  runs: PromptRuns | undefined;
  observe: boolean;
}

/**
 * Watches one answer. Detectors look for secrets and links at each place where one can begin; a leak watcher
 * follows its words. What could still become a match is held; the first that does cuts the answer before it.
 */
export class AnswerWatcher implements OutputGuard {
  readonly #leaks: LeakWatcher | undefined;
  readonly #observe: boolean;
  /** Held text, where it begins in the answer, and the character before it. */
  #held = '';
  #heldFrom = 0;
  #before = '';
  #state: 'watching' | 'released' | 'cut' = 'watching';

  constructor({ runs, observe }: WatcherOptions) {
    const runLength = runs?.runLength;
    this.#leaks =
      runs === undefined || runLength === undefined ? undefined : new LeakWatcher(runs, runLength);
    this.#observe = observe;
  }

  push(text: string): OutputStep {
    if (this.#state !== 'watching') return { release: this.#state === 'cut' ? '' : text };
    const leak = this.#leaks?.push(text);
    this.#held += text;
    const { match, alive } = this.#look(leak);
    if (match !== undefined) return this.#cut(match);
    const safe = Math.min(alive, this.#leaks?.safe ?? alive);
    return { release: this.#release(safe) };
  }

  finish(): OutputStep {
    if (this.#state !== 'watching') return { release: '' };
    const leak = this.#leaks?.finish();
    if (leak !== undefined) return this.#cut({ ...leak, reason: leakReason });
    this.#state = 'cut';
    return { release: this.#release(this.#heldFrom + this.#held.length) };
  }

  /** The match that is decided first, and the first place where one is still possible. */
  #look(leak: Leak | undefined): { match: Match | undefined; alive: number } {
    let match: Match | undefined = leak === undefined ? undefined : { ...leak, reason: leakReason };
    let alive = this.#heldFrom + this.#held.length;
    for (let index = 0; index < this.#held.length; index++) {
      if (match !== undefined && this.#heldFrom + index >= match.end) break;
      for (const detector of byFirst.get(this.#held.charAt(index)) ?? []) {
        const before = index === 0 ? this.#before : this.#held.charAt(index - 1);
        const read = detector.read(this.#held, index, before);
        const start = this.#heldFrom + index;
        if (read === ALIVE) alive = Math.min(alive, start);
        else if (read >= 0 && (match === undefined || this.#heldFrom + read < match.end)) {
          match = { start, end: this.#heldFrom + read, reason: detector };
        }
      }
    }
    return { match, alive };
  }

  #cut(match: Match): OutputStep {
    const { rule, en, fr } = match.reason;
    const cut: GuardResult = {
      verdict: 'refuse',
      reasons: [{ rule, en, fr, span: [match.start, match.end] }],
    };
    this.#state = this.#observe ? 'released' : 'cut';
    const to = this.#observe ? this.#heldFrom + this.#held.length : match.start;
    const release = this.#release(to);
    this.#held = '';
    return { release, cut };
  }

  /** Takes the held text before a place of the answer. */
  #release(to: number): string {
    const count = Math.max(0, to - this.#heldFrom);
    const release = this.#held.slice(0, count);
    if (release !== '') this.#before = release.charAt(release.length - 1);
    this.#held = this.#held.slice(count);
    this.#heldFrom += release.length;
    return release;
  }
}
