import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { levels } from '../contracts/device.js';
import type { SystemStatus } from '../contracts/module.js';
import type { CoreLatencies } from './latencies.js';
import { publishLatencies } from './latency-metrics.js';

type Collect = (gauge: Gauge) => void;

/**
 * The registry of the appliance, with the process's own figures and gauges read from the status at each scrape, so that what nobody
 * asks for costs nothing. Labels come from our own names and the configuration only.
 */
export function createMetrics(status: () => SystemStatus, latencies: CoreLatencies): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, labelNames: string[], collect: Collect) => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  };
  const counter = (name: string, help: string, labelNames: string[], collect: (counter: Counter) => void) => {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  };

  publishLatencies(latencies, registry);
  gauge('arkalia_degradation_level', 'Level in force, from 0 (normal) to 5 (survival)', [], (it) => {
    it.set(levels.indexOf(status().level));
  });
  gauge(
    'arkalia_breaker_state',
    '1 for the state that the breaker of an engine is in',
    ['engine', 'state'],
    (it) => {
      for (const { name, state } of status().breakers) it.set({ engine: name, state }, 1);
    },
  );
  gauge(
    'arkalia_breaker_calls_total',
    'Calls since the start by outcome: success, slow (a success), failure, ignored, late, refused',
    ['engine', 'outcome'],
    (it) => {
      for (const { name, totals } of status().breakers) {
        it.set({ engine: name, outcome: 'success' }, totals.successes);
        it.set({ engine: name, outcome: 'slow' }, totals.slow);
        it.set({ engine: name, outcome: 'failure' }, totals.failures);
        it.set({ engine: name, outcome: 'ignored' }, totals.ignored);
        it.set({ engine: name, outcome: 'late' }, totals.late);
        it.set({ engine: name, outcome: 'refused' }, totals.refused);
      }
    },
  );
  gauge(
    'arkalia_breaker_openings_total',
    'Times that the breaker of an engine opened since the start',
    ['engine'],
    (it) => {
      for (const { name, openings } of status().breakers) it.set({ engine: name }, openings);
    },
  );
  gauge('arkalia_queue_waiting', 'Prompts that wait for a slot of an engine', ['engine'], (it) => {
    for (const [engine, queue] of Object.entries(status().queues)) it.set({ engine }, queue.waiting);
  });
  gauge('arkalia_queue_busy', 'Slots of an engine that are in use', ['engine'], (it) => {
    for (const [engine, queue] of Object.entries(status().queues)) it.set({ engine }, queue.busy);
  });
  gauge('arkalia_queue_slots', 'Slots that an engine has now', ['engine'], (it) => {
    for (const [engine, queue] of Object.entries(status().queues)) it.set({ engine }, queue.slots);
  });
  counter(
    'arkalia_queue_dropped_total',
    'Calls that an engine with adaptive slots refused or did not answer in time',
    ['engine'],
    (it) => {
      for (const [engine, { adaptive }] of Object.entries(status().queues)) {
        if (adaptive !== undefined) it.inc({ engine }, adaptive.dropped);
      }
    },
  );
  counter('arkalia_rate_refused_total', 'Requests and prompts refused by the rate limit', ['limit'], (it) => {
    for (const [limit, { refused }] of Object.entries(status().rate)) it.inc({ limit }, refused);
  });
  counter(
    'arkalia_rate_evicted_total',
    'Clients whose bucket was given to another, and whether it was in debt',
    ['limit', 'in_debt'],
    (it) => {
      for (const [limit, { evicted, evicted_in_debt }] of Object.entries(status().rate)) {
        it.inc({ limit, in_debt: 'no' }, evicted);
        it.inc({ limit, in_debt: 'yes' }, evicted_in_debt);
      }
    },
  );
  gauge('arkalia_ledger_events', 'Events in the ledger', [], (it) => it.set(status().ledger.size));
  gauge('arkalia_ledger_pending', 'Events that wait for the disk', [], (it) =>
    it.set(status().ledger.pending),
  );
  gauge('arkalia_ledger_recording', '1 while events are recorded, 0 while the disk refuses', [], (it) =>
    it.set(status().ledger.state === 'open' ? 1 : 0),
  );
  gauge('arkalia_ledger_bytes', 'Size of the ledger on the disk', [], (it) => it.set(status().ledger.bytes));
  gauge('arkalia_ledger_limit_bytes', 'Size that the ledger may have on the disk', [], (it) =>
    it.set(status().ledger.limit_bytes),
  );
  gauge('arkalia_ledger_minimum_index', 'First event that was not pruned to stay within the size', [], (it) =>
    it.set(status().ledger.minimum_index),
  );
  gauge('arkalia_sandbox_killed_total', 'Workers killed since the start, by cause', ['cause'], (it) => {
    for (const [cause, count] of Object.entries(status().sandbox.killed)) it.set({ cause }, count);
  });
  gauge('arkalia_module_ok', '1 for a module that is ok', ['module'], (it) => {
    for (const [module, health] of Object.entries(status().modules))
      it.set({ module }, health.state === 'ok' ? 1 : 0);
  });
  return registry;
}
