import { facts, type Topic } from './topic.js';

export const guard: Topic = {
  id: 'guard',
  patterns: ['guard*', 'injection*', 'garde', 'gardien', 'filtre*'],
  source: 'GET /status',
  gather(context) {
    const rules = context.guard.rules();
    return [
      {
        id: 'guard',
        facts: facts({
          mode: context.config.guard.mode,
          rules: rules.length,
          names: rules.length === 0 ? undefined : rules.join(', '),
        }),
        source: 'GET /status',
      },
    ];
  },
};
