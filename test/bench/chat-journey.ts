import { setTimeout as pause } from 'node:timers/promises';
import type { ChatClient, Took } from './chat-client.js';

/** A figure over many answers, in milliseconds. */
export interface Spread {
  median: number;
  p99: number;
}

/** The same prompts asked of the engine directly, through the appliance and, where there is one, through the floor, in turn. */
export interface Compared {
  direct: Spread;
  journey: Spread;
  /** Of the rounds: what the journey took longer than the engine alone, asked just before or after. */
  added: Spread;
  floor?: {
    through: Spread;
    /** What the floor took longer than the engine alone. */
    added: Spread;
    /** What the journey took longer than the floor. */
    over: Spread;
  };
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

interface Round {
  direct: Took;
  journey: Took;
  floor?: Took;
}

function compare(rounds: readonly Round[], figure: 'firstMs' | 'wholeMs'): Compared {
  const of = (one: Took | undefined) => one?.[figure] ?? Number.NaN;
  const spread = (take: (round: Round) => number) => spreadOf(rounds.map(take));
  const compared = {
    direct: spread(({ direct }) => of(direct)),
    journey: spread(({ journey }) => of(journey)),
    added: spread(({ direct, journey }) => of(journey) - of(direct)),
  };
  if (rounds[0]?.floor === undefined) return compared;
  return {
    ...compared,
    floor: {
      through: spread(({ floor }) => of(floor)),
      added: spread(({ direct, floor }) => of(floor) - of(direct)),
      over: spread(({ floor, journey }) => of(journey) - of(floor)),
    },
  };
}

/** The list begun at another place with each index, and turned around each time that it went round. */
function inTurn<T>(list: readonly T[], index: number): T[] {
  const from = index % list.length;
  const turned = [...list.slice(from), ...list.slice(0, from)];
  return Math.floor(index / list.length) % 2 === 0 ? turned : turned.reverse();
}

/**
 * Asks each prompt of every one, one answer at a time, their order changing from round to round, after `warmUp` rounds that do not count.
 * Every prompt is another one. Throws when an answer is not `expected`.
 */
export async function compareJourneys(
  asked: Record<'direct' | 'journey', Pick<ChatClient, 'ask'>> & { floor?: Pick<ChatClient, 'ask'> },
  options: {
    pairs: number;
    warmUp: number;
    /** Before each request. */
    pauseMs: number;
    prompt: (index: number) => string;
    expected?: string;
  },
): Promise<Journeys> {
  const names = Object.keys(asked) as (keyof Round)[];
  const rounds: Round[] = [];
  for (let index = 0; index < options.warmUp + options.pairs; index++) {
    const prompt = options.prompt(index);
    const answers: Partial<Round> = {};
    for (const name of inTurn(names, index)) {
      if (options.pauseMs > 0) await pause(options.pauseMs);
      answers[name] = await asked[name]!.ask(prompt);
    }
    const round = answers as Round;
    const expected = options.expected ?? round.direct.text;
    for (const { text } of Object.values(answers))
      if (text !== expected) throw new Error(`an answer was not what the engine said: ${text}`);
    if (index >= options.warmUp) rounds.push(round);
  }
  return {
    pairs: rounds.length,
    firstText: compare(rounds, 'firstMs'),
    whole: compare(rounds, 'wholeMs'),
  };
}
