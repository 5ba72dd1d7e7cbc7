import type { GuardResult, OutputGuard, OutputStep, PersonalKind } from '../contracts/guard.js';
import { ALIVE, DEAD, type Detector } from './detector.js';
import { type Leak, LeakWatcher, type PromptRuns } from './leak.js';
import { linkDetectors } from './links.js';
import { personalDetectors } from './personal.js';
import { secretDetectors } from './secrets.js';

/** Detectors by the characters that their matches can begin with. */
export type DetectorIndex = ReadonlyMap<string, readonly Detector[]>;

/** The detectors of every answer, and those for the kinds of personal data that the configuration names. */
export function indexDetectors(kinds: readonly PersonalKind[]): { index: DetectorIndex; rules: string[] } {
  const detectors = [...secretDetectors, ...linkDetectors, ...personalDetectors(kinds)];
  return {
    index: indexed(detectors),
    rules: [...new Set([...detectors.map(({ rule }) => rule), leakReason.rule])],
  };
}

function indexed(detectors: readonly Detector[]): Map<string, Detector[]> {
  const index = new Map<string, Detector[]>();
  for (const detector of detectors) {
    for (const first of detector.first) index.set(first, [...(index.get(first) ?? []), detector]);
  }
  return index;
}

const leakReason = {
  rule: 'system-prompt-leak',
  en: "The answer repeats the assistant's own instructions.",
  fr: "La réponse répète les instructions propres de l'assistant.",
};

/** Finds one word, whatever its case. */
function canaryDetector(canary: string): Detector {
  const wanted = canary.toLowerCase();
  return {
    ...leakReason,
    first: wanted.charAt(0) + wanted.charAt(0).toUpperCase(),
    read(text, from, before) {
      if (/[a-z0-9]/i.test(before)) return DEAD;
      const there = text.slice(from, from + wanted.length).toLowerCase();
      if (there === wanted) return from + wanted.length;
      return wanted.startsWith(there) ? ALIVE : DEAD;
    },
  };
}

interface Match extends Leak {
  reason: { rule: string; en: string; fr: string };
}

interface WatcherOptions {
  detectors: DetectorIndex;
  runs: PromptRuns | undefined;
  canary: string | undefined;
  observe: boolean;
}

/**
 * Watches one answer. Detectors look for secrets and links at each place where one can begin; a leak watcher
 * follows its words. What could still become a match is held; the first that does cuts the answer before it.
 */
export class AnswerWatcher implements OutputGuard {
  readonly #detectors: DetectorIndex;
  readonly #canary: DetectorIndex | undefined;
  readonly #leaks: LeakWatcher | undefined;
  readonly #observe: boolean;
  /** Held text, where it begins in the answer, and the character before it. */
  #held = '';
  #heldFrom = 0;
  #before = '';
  /** How many units of it were released all the same, because they had been held for too long. */
  #gone = 0;
  #state: 'watching' | 'released' | 'cut' = 'watching';

  constructor({ detectors, runs, canary, observe }: WatcherOptions) {
    this.#detectors = detectors;
    this.#canary = canary === undefined ? undefined : indexed([canaryDetector(canary)]);
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

  held(): { from: number; count: number } {
    return { from: this.#heldFrom + this.#gone, count: this.#held.length - this.#gone };
  }

  expire(): OutputStep {
    const release = this.#held.slice(this.#gone);
    this.#gone = this.#held.length;
    return { release };
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
      const sign = this.#held.charAt(index);
      const detectors = this.#detectors.get(sign);
      const canary = this.#canary?.get(sign);
      if (detectors === undefined && canary === undefined) continue;
      for (const detector of [...(detectors ?? []), ...(canary ?? [])]) {
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
    const count = Math.min(this.#held.length, Math.max(0, to - this.#heldFrom));
    const release = this.#held.slice(this.#gone, count);
    if (count > 0) this.#before = this.#held.charAt(count - 1);
    this.#held = this.#held.slice(count);
    this.#heldFrom += count;
    this.#gone = Math.max(0, this.#gone - count);
    return release;
  }
}
