import type { Topic } from './topic.js';

/** What is answered without any figure. */
export const greeting: Topic = {
  id: 'greeting',
  patterns: [
    'hello',
    'hi',
    'hey',
    'good morning',
    'good evening',
    'thanks',
    'thank you',
    'bonjour',
    'bonsoir',
    'salut',
    'coucou',
    'merci',
  ],
  small: true,
  source: '',
  gather: () => [{ id: 'greeting', facts: {}, source: '' }],
};

export const help: Topic = {
  id: 'help',
  patterns: [
    'help',
    'what can you',
    'what can i ask',
    'what do you know',
    'aide',
    'aidez moi',
    'que peux tu',
    'que pouvez vous',
    'que sais tu',
    'que puis je',
    'sais tu faire',
    'peux tu faire',
  ],
  small: true,
  source: '',
  gather: () => [{ id: 'help', facts: {}, source: '' }],
};
