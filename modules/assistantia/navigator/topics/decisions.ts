import type { JsonValue } from '../../../../runtime/contracts/json.js';
import type { StoredEvent } from '../../../../runtime/contracts/ledger.js';
import { facts, type Topic } from './topic.js';

const SHOWN_MAX = 3;
const source = 'GET /ledger/events?type=decision_made';

const isObject = (value: JsonValue | undefined): value is { [key: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const joined = (value: JsonValue | undefined): string | undefined =>
  Array.isArray(value) && value.length > 0 ? value.join(', ') : undefined;

function told({ index, time_ms, data }: StoredEvent) {
  const input = isObject(data.input) ? data.input : {};
  return {
    id: 'decision',
    facts: facts({
      index,
      time: new Date(time_ms).toISOString(),
      decision: data.decision,
      confidence: data.confidence,
      reasons: joined(data.reasons),
      left_out: joined(data.absent),
      cpu: input.cpu,
      ram: input.ram,
      disk: input.disk,
      temperature_c: input.temperature_c,
      severity: input.severity,
    }),
    source: `ledger event ${index}`,
  };
}

/** The last decisions on this device, and why; decisions posted by other programs are theirs. */
export const decisions: Topic = {
  id: 'decisions',
  patterns: [
    'decision*',
    'decide*',
    'decid*',
    'zeroia',
    'reduce load',
    'reduce_load',
    'emergency*',
    'why did you',
    'why have you',
    'pourquoi as tu',
    'pourquoi avez vous',
    'urgence',
  ],
  source,
  async gather(context) {
    const events = await context.ledger.query({
      type: 'decision_made',
      stream: 'device',
      limit: SHOWN_MAX,
      order: 'desc',
    });
    return events.length === 0 ? [{ id: 'decision', facts: {}, source }] : events.map(told);
  },
};
