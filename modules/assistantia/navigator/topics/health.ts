import { facts, type Topic } from './topic.js';

export const health: Topic = {
  id: 'health',
  patterns: [
    'status',
    'health*',
    'how are you',
    'are you ok',
    'are you well',
    'how is the device',
    'how is everything',
    'everything ok',
    'level',
    'degrad*',
    'shed*',
    'modules',
    'etat',
    'statut',
    'sante',
    'comment vas tu',
    'comment allez vous',
    'comment ca va',
    'ca va',
    'tout va bien',
    'niveau',
    'contradiction*',
  ],
  source: 'GET /status',
  gather(context) {
    const status = context.status();
    const modules = Object.entries(status.modules);
    const failing = modules
      .filter(([, { state }]) => state !== 'ok')
      .map(
        ([name, { state, problem }]) => `${name} (${state}${problem === undefined ? '' : `: ${problem}`})`,
      );
    return [
      {
        id: 'health',
        facts: facts({
          ready: status.ready,
          level: status.level,
          shed: status.shed.length === 0 ? undefined : status.shed.join(', '),
          modules: modules.length,
          failing: failing.length === 0 ? undefined : failing.join('; '),
        }),
        source: 'GET /status',
      },
    ];
  },
};
