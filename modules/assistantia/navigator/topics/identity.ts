import { facts, type Topic } from './topic.js';

export const identity: Topic = {
  id: 'identity',
  patterns: [
    'who are you',
    'what are you',
    'your name',
    'what is arkalia*',
    'qui es tu',
    'qui etes vous',
    'ton nom',
    'votre nom',
    't appelles',
    'c est quoi arkalia*',
    'qu est ce que arkalia*',
    'qu est ce qu arkalia*',
  ],
  small: true,
  source: 'GET /status',
  gather: (context) => [
    { id: 'identity', facts: facts({ version: context.version }), source: 'GET /status' },
  ],
};
