import { facts, type Topic } from './topic.js';

export const sandbox: Topic = {
  id: 'sandbox',
  patterns: ['sandbox*', 'isolat*', 'worker*', 'bac a sable', 'isole*'],
  source: 'GET /status',
  gather(context) {
    const { level, workers, spawned, killed, holds, lacks } = context.prompts.status();
    return [
      {
        id: 'sandbox',
        facts: facts({
          level,
          idle: workers.idle,
          busy: workers.busy,
          spawned,
          killed: Object.values(killed).reduce((sum, count) => sum + count, 0),
          holds: holds.join('; ') || undefined,
          lacks: lacks.join('; ') || undefined,
        }),
        source: 'GET /status',
      },
    ];
  },
};
