import { facts, type Topic } from './topic.js';

const source = 'GET /status';

export const breakers: Topic = {
  id: 'breakers',
  patterns: ['breaker*', 'circuit*', 'disjoncteur*'],
  source,
  gather(context) {
    const all = context.breakers.all();
    if (all.length === 0) return [{ id: 'breaker', facts: {}, source }];
    return all.map(({ name, state, calls, failures, openings, retry_after_ms }) => ({
      id: 'breaker',
      facts: facts({ name, state, calls, failures, openings, retry_after_ms }),
      source,
    }));
  },
};
