import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { TopicSnapshot } from './messages.js';

type Incident = TopicSnapshot<'incidents'>['incidents'][number];

/** What is not well now, and since when this was seen: modules, ledger, breakers, the level; and what waits for a person. */
export class Incidents {
  readonly #context: Pick<ModuleContext, 'clock' | 'status' | 'incidents'>;
  #since = new Map<string, number>();

  constructor(context: Pick<ModuleContext, 'clock' | 'status' | 'incidents'>) {
    this.#context = context;
  }

  now(): Incident[] {
    const found = this.#find();
    const now = this.#context.clock.wallMs();
    const since = new Map(found.map(({ id }) => [id, this.#since.get(id) ?? now]));
    this.#since = since;
    return [
      ...this.#kept(),
      ...found.map((incident) => ({ ...incident, since_ms: since.get(incident.id)! })),
    ];
  }

  #kept(): Incident[] {
    return this.#context.incidents.open().map((incident) => ({
      id: incident.id,
      source: 'kept',
      level: incident.class === 'integrity' ? 'critical' : 'warning',
      name: incident.target,
      problem: incident.problem,
      since_ms: incident.opened_ms,
      over: incident.cleared_ms !== null,
      acknowledged: incident.acknowledged_ms !== null,
    }));
  }

  #find(): Omit<Incident, 'since_ms'>[] {
    const { modules, ledger, breakers, level, shed } = this.#context.status();
    const incidents: Omit<Incident, 'since_ms'>[] = [];
    for (const [name, { state, problem }] of Object.entries(modules)) {
      if (state === 'ok') continue;
      const severity = state === 'failed' ? 'critical' : 'warning';
      incidents.push({
        id: `module:${name}`,
        source: 'module',
        level: severity,
        name,
        problem: problem ?? state,
      });
    }
    if (ledger.state !== 'open') {
      const problem = ledger.problem ?? ledger.state;
      incidents.push({ id: 'ledger', source: 'ledger', level: 'critical', name: 'ledger', problem });
    }
    for (const { name, state, last } of breakers) {
      if (state === 'closed' || state === 'metrics_only' || state === 'disabled') continue;
      const problem = last === undefined ? state : `${state}: ${last.cause}`;
      incidents.push({ id: `breaker:${name}`, source: 'breaker', level: 'warning', name, problem });
    }
    if (level !== 'normal' && level !== 'light') {
      const severity = level === 'emergency' || level === 'survival' ? 'critical' : 'warning';
      incidents.push({
        id: 'level',
        source: 'level',
        level: severity,
        name: level,
        problem: shed.join(', '),
      });
    }
    return incidents;
  }
}
