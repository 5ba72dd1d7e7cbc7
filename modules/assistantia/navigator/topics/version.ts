import { facts, type Topic } from './topic.js';

export const version: Topic = {
  id: 'version',
  patterns: [
    'version*',
    'uptime',
    'how long have you',
    'since when',
    'when did you start',
    'depuis quand',
    'depuis combien',
    'temps de fonctionnement',
    'as tu demarre',
  ],
  source: 'GET /status',
  gather(context) {
    const { version: number, uptime_ms, node, platform } = context.status();
    return [
      { id: 'version', facts: facts({ version: number, uptime_ms, node, platform }), source: 'GET /status' },
    ];
  },
};
