import type { ModuleContext } from '../../../../runtime/contracts/module.js';
import { facts, type Topic } from './topic.js';

const source = 'GET /reflexia/status';

/** Figures of the last sample, under the names that the composer words; `age_ms` only when there is a sample at all. */
function sampled(context: ModuleContext, id: string, figures: Record<string, string>) {
  const last = context.status().modules.reflexia?.facts ?? {};
  const at = last.monotonic_ms;
  const age_ms =
    typeof at === 'number' ? Math.max(0, Math.round(context.clock.monotonicMs() - at)) : undefined;
  const values = Object.fromEntries(Object.entries(figures).map(([name, field]) => [name, last[field]]));
  return [{ id, facts: facts({ ...values, age_ms }), source }];
}

function deviceTopic(id: string, figures: Record<string, string>, patterns: string[]): Topic {
  return { id, patterns, source, gather: (context) => sampled(context, id, figures) };
}

export const temperature = deviceTopic(
  'temperature',
  { temperature_c: 'temperature_c', throttled: 'throttled' },
  [
    'temperature*',
    'hot',
    'heat*',
    'warm',
    'thermal',
    'overheat*',
    'throttl*',
    'celsius',
    'degrees',
    'degres',
    'chaud*',
    'chauffe*',
    'surchauffe*',
    'bride*',
  ],
);

export const memory = deviceTopic('memory', { ram: 'ram', process_rss_bytes: 'process_rss_bytes' }, [
  'memory',
  'ram',
  'rss',
  'memoire*',
]);

export const cpu = deviceTopic(
  'cpu',
  { cpu: 'cpu', load_1m: 'load_1m', event_loop_delay_ms: 'event_loop_delay_ms' },
  ['cpu*', 'processor*', 'processeur*', 'load', 'charge', 'busy', 'occupe*', 'event loop'],
);

export const disk = deviceTopic('disk', { disk: 'disk' }, [
  'disk*',
  'disque*',
  'storage',
  'stockage',
  'free space',
  'espace libre',
  'space left',
  'sd card',
  'carte sd',
]);
