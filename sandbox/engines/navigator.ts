import type { NavigatorBrief, NavigatorTopic } from '../types.js';
import { english } from './navigator/english.js';
import { french } from './navigator/french.js';
import { clean, FactReader } from './navigator/reader.js';
import type { TopicId, Wording } from './navigator/wording.js';

const PASSAGES_MAX = 2;
const PASSAGE_LINES_MAX = 20;

/** Numbers the sources in the order of their first use. */
class Citations {
  readonly #sources = new Map<string, number>();

  mark(source: string): string {
    const shown = clean(source);
    if (shown === '') return '';
    const number = this.#sources.get(shown) ?? this.#sources.size + 1;
    this.#sources.set(shown, number);
    return `[${number}]`;
  }

  lines(): string[] {
    return [...this.#sources].map(([source, number]) => `[${number}] ${source}`);
  }
}

function wordTopic(wording: Wording, topic: NavigatorTopic, lang: NavigatorBrief['lang']): string[] {
  if (!Object.hasOwn(wording.topics, topic.id)) {
    throw new RangeError(`navigator has no words for the topic "${clean(topic.id, 60)}"`);
  }
  return wording.topics[topic.id as TopicId](new FactReader(topic.facts, lang));
}

const quoted = (text: string): string =>
  text
    .split('\n', PASSAGE_LINES_MAX)
    .map((line) => `> ${clean(line)}`)
    .join('\n');

/**
 * Words the answer of the assistant without a model, in pieces whose concatenation is the answer. It says what the brief holds and
 * nothing else: no figure of its own, no guess. Pure: the same brief gives the same answer.
 * @throws RangeError for a topic that it has no words for.
 */
export function* composeNavigator(question: string, brief: NavigatorBrief): Generator<string> {
  const wording = brief.lang === 'fr' ? french : english;
  const citations = new Citations();
  const passages = brief.passages.slice(0, PASSAGES_MAX);
  for (const topic of brief.topics) {
    const mark = citations.mark(topic.source);
    for (const sentence of wordTopic(wording, topic, brief.lang)) yield `${sentence} `;
    yield `${mark}\n`;
  }
  if (passages.length > 0) {
    yield `${wording.documentation}\n`;
    for (const { source, title, text } of passages) {
      yield `${clean(title)} ${citations.mark(source)}\n`;
      yield `${quoted(text)}\n`;
    }
  }
  if (brief.topics.length === 0 && passages.length === 0) {
    if (question.trim() === '') yield `${wording.emptyQuestion} `;
    for (const sentence of wording.nothingFound) yield `${sentence} `;
    yield '\n';
  }
  if (!brief.modelLoaded) {
    yield '\n';
    for (const sentence of wording.noModel) yield `${sentence} `;
    yield '\n';
  }
  const sources = citations.lines();
  if (sources.length > 0) yield `\n${wording.sources}\n${sources.join('\n')}\n`;
}
