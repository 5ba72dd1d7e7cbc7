import { setTimeout as pause } from 'node:timers/promises';
import type { ChatClient, Took } from './chat-client.js';

/** A figure over many answers, in milliseconds. */
export interface Spread {
  median: number;
  p99: number;
}

/** The same prompts asked of the engine directly and through the appliance, in turn. */
export interface Compared {
  direct: Spread;
  journey: Spread;
  /** Of the pairs: what the journey took longer than the engine alone, asked just before or after. */
  added: Spread;
}

export interface Journeys {
  pairs: number;
  firstText: Compared;
  whole: Compared;
}

export function spreadOf(taken: readonly number[]): Spread {
  const sorted = [...taken].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { median: at(0.5), p99: at(0.99) };
}

function compare(pairs: readonly { direct: Took; journey: Took }[], figure: 'firstMs' | 'wholeMs'): Compared {
  return {
    direct: spreadOf(pairs.map(({ direct }) => direct[figure])),
    journey: spreadOf(pairs.map(({ journey }) => journey[figure])),
    added: spreadOf(pairs.map(({ direct, journey }) => journey[figure] - direct[figure])),
  };
}

/**
 * Asks each prompt twice, one answer at a time, the order of the two changing from pair to pair, after `warmUp` pairs that do not count.
 * Every prompt is another one. Throws when an answer is not `expected`.
 */
export async function compareJourneys(
  { direct, journey }: { direct: Pick<ChatClient, 'ask'>; journey: ChatClient },
  options: {
    pairs: number;
    warmUp: number;
    /** Before each request. */
    pauseMs: number;
    prompt: (index: number) => string;
    expected?: string;
  },
): Promise<Journeys> {
  const taken: { direct: Took; journey: Took }[] = [];
  for (let index = 0; index < options.warmUp + options.pairs; index++) {
    const prompt = options.prompt(index);
    const order = index % 2 === 0 ? [direct, journey] : [journey, direct];
    const answers = new Map<unknown, Took>();
    for (const asked of order) {
      if (options.pauseMs > 0) await pause(options.pauseMs);
      answers.set(asked, await asked.ask(prompt));
    }
    const pair = { direct: answers.get(direct)!, journey: answers.get(journey)! };
    const expected = options.expected ?? pair.direct.text;
    for (const { text } of Object.values(pair))
      if (text !== expected) throw new Error(`an answer was not what the engine said: ${text}`);
    if (index >= options.warmUp) taken.push(pair);
  }
  return {
    pairs: taken.length,
    firstText: compare(taken, 'firstMs'),
    whole: compare(taken, 'wholeMs'),
  };
}
