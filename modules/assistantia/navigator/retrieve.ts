import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { NavigatorBrief, NavigatorTopic } from '../../../runtime/contracts/sandbox.js';
import type { Documents } from './documents.js';
import { detectLanguage } from './language.js';
import { recognise } from './recognise.js';
import type { Topic } from './topics/topic.js';
import { normalise } from './words.js';

const QUESTION_CHARS_MAX = 2000;

export interface RetrievalOptions {
  context: ModuleContext;
  docs: Pick<Documents, 'search'>;
}

/** Answers a question with a brief. Only its first 2000 characters are read; a topic that cannot be read is told as such. */
export function createRetrieval({
  context,
  docs,
}: RetrievalOptions): (question: string) => Promise<NavigatorBrief> {
  const gather = async (topic: Topic, question: string): Promise<NavigatorTopic[]> => {
    try {
      return await topic.gather(context, question);
    } catch (error) {
      context.log.warn({ err: error, topic: topic.id }, 'navigator could not read a topic');
      return [{ id: 'unavailable', facts: { topic: topic.id }, source: topic.source }];
    }
  };
  return async (question) => {
    const read = question.slice(0, QUESTION_CHARS_MAX);
    const plain = normalise(read);
    const { topics, documentation } = recognise(plain);
    const gathered = await Promise.all(topics.map((topic) => gather(topic, plain)));
    return {
      lang: detectLanguage(read),
      topics: gathered.flat(),
      passages: documentation ? docs.search(plain) : [],
      modelLoaded: context.prompts
        .engines()
        .some(({ name, state }) => name !== 'navigator' && state === 'found'),
    };
  };
}
