import { topics } from './topics/all.js';
import type { Topic } from './topics/topic.js';

const TOPICS_MAX = 4;

/** One expression a topic: any of its patterns as whole words. The patterns are ours and hold no characters of syntax but `*` and `.`. */
function expressionOf({ patterns }: Topic): RegExp {
  const alternatives = patterns.map((pattern) => pattern.replace(/\./g, '\\.').replace(/\*/g, '[a-z0-9_.]*'));
  return new RegExp(`(?:^| )(?:${alternatives.join('|')})(?= |$)`);
}

const expressions = topics.map((topic) => [topic, expressionOf(topic)] as const);

/** Words that ask to be told how or what something is, so that documentation is worth quoting beside live figures. */
const asksForDocumentation =
  /(?:^| )(?:documentation|docs?|how do i|how to|how can i|how does|install\w*|explain\w*|what do(?:es)?|what is an?|meaning|comment (?:faire|puis je|on|configurer|installer|ajouter|fonctionne)|expli\w*|signifie|c est quoi|qu est ce)(?= |$)/;

export interface Recognised {
  topics: Topic[];
  /** Whether documentation should be searched. */
  documentation: boolean;
}

/** What a normalised question is about. Small talk counts only when nothing else was asked. */
export function recognise(question: string): Recognised {
  const matched = expressions.filter(([, expression]) => expression.test(question)).map(([topic]) => topic);
  const real = matched.filter(({ small }) => small === undefined);
  const chosen = (real.length > 0 ? real : matched).slice(0, TOPICS_MAX);
  return { topics: chosen, documentation: chosen.length === 0 || asksForDocumentation.test(question) };
}
