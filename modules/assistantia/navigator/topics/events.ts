import { facts, type Topic } from './topic.js';

const SHOWN_MAX = 5;

/** The ledger's size and its last events, by type and place only: what they hold may be someone's own. */
export const events: Topic = {
  id: 'events',
  patterns: [
    'event*',
    'evenement*',
    'ledger',
    'journal*',
    'logs',
    'what happened',
    'que s est il passe',
    's est passe',
    'recorded',
    'enregistre*',
  ],
  source: 'GET /ledger/events',
  async gather(context) {
    const { state, size, bytes, problem } = context.ledger.status();
    const last = await context.ledger.query({ limit: SHOWN_MAX, order: 'desc' });
    return [
      { id: 'ledger', facts: facts({ state, size, bytes, problem }), source: 'GET /status' },
      ...last.map(({ index, type, module, time_ms }) => ({
        id: 'event',
        facts: facts({ index, type, module, time: new Date(time_ms).toISOString() }),
        source: `ledger event ${index}`,
      })),
    ];
  },
};
