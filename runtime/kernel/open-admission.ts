import type { Core } from '../../core-wasm/index.js';
import { createAdmission, type EngineCapacity } from '../admission/admission.js';
import type { Config } from '../config/schema.js';
import type { Bus } from '../contracts/bus.js';
import type { Clock } from '../contracts/clock.js';
import type { Degradation } from '../contracts/device.js';
import { type EngineName, engineNames } from '../contracts/prompt.js';
import type { CoreLatencies } from '../metrics/latencies.js';
import type { Undo } from './undo.js';

interface OpenAdmissionOptions {
  config: Config;
  core: Pick<Core, 'limits'>;
  clock: Clock;
  bus: Bus;
  degradation: Pick<Degradation, 'level'>;
  latency: CoreLatencies;
  undo: Undo;
}

/** The slots and the queue of an engine; slots that nobody told are found while it works. */
export function capacityOf(
  name: EngineName,
  { config, core }: Pick<OpenAdmissionOptions, 'config' | 'core'>,
): EngineCapacity {
  const engine = config.engines[name];
  const slots = 'sequences' in engine ? engine.sequences : engine.slots;
  // More than the workers can never be in flight.
  const adaptive = { min: 1, initial: 1, max: config.sandbox.workers };
  return { slots: slots === 'auto' ? core.limits.take(adaptive) : slots, queueMax: engine.queue_max };
}

/** A queue for each engine, as long as the degradation level allows. */
export function openAdmission(options: OpenAdmissionOptions): ReturnType<typeof createAdmission> {
  const { config, core, clock, bus, degradation, latency, undo } = options;
  const admission = createAdmission({
    engines: Object.fromEntries(engineNames.map((name) => [name, capacityOf(name, { config, core })])),
    level: () => degradation.level(),
    clock,
    onServed: (engine, tookMs) => latency.recorder('engine', engine).add(tookMs),
  });
  bus.subscribe('level.changed', () => admission.levelChanged());
  undo.add('admission', () => admission.close());
  return admission;
}
