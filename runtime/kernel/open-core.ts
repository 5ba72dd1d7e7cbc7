import { join } from 'node:path';
import type { Logger } from 'pino';
import { Core, coreModule } from '../../core-wasm/index.js';
import { BreakerFile, readBreakerFile } from '../breaker/breaker-file.js';
import { CoreBreakers } from '../breaker/breakers.js';
import { CallTally } from '../breaker/tally.js';
import { recoveryEvent, transitionEvent } from '../breaker/transition-event.js';
import type { Config } from '../config/schema.js';
import type { Bus } from '../contracts/bus.js';
import type { Clock } from '../contracts/clock.js';
import { CorePool, type CorePoolOptions } from '../core/pool.js';
import { CoreScorer } from '../core/scorer.js';
import { CoreLatencies, LATENCY_WINDOW_MS } from '../metrics/latencies.js';
import { keepCore } from '../replay/cores.js';
import type { RecordLater } from './open-record.js';
import { createTurnClock } from './turn-clock.js';
import type { Undo } from './undo.js';

interface OpenCoreOptions {
  config: Config;
  /** The data folder, which keeps this module for replays and the breakers' state. */
  folder: string;
  log: Logger;
  clock: Clock;
  bus: Bus;
  record: RecordLater;
  /** Where the pool beats. */
  heart: CorePoolOptions['heart'];
  undo: Undo;
}

/** What works in the shared memory. */
export interface OpenCore {
  core: Core;
  pool: CorePool;
  scorer: CoreScorer;
  breakers: CoreBreakers;
  tally: CallTally;
  latency: CoreLatencies;
}

/** Makes the hot core with its pool and scorer, and the breakers as they were before the restart. */
export async function openCore(options: OpenCoreOptions): Promise<OpenCore> {
  const { config, folder, log, clock, bus, record, heart, undo } = options;
  const now = () => clock.monotonicMs();
  await keepCore(folder, coreModule());
  const core = Core.create();
  const pool = new CorePool(core, {
    threads: config.core.threads,
    heart,
    onError: (error) => log.error({ err: error }, 'a pool thread failed'),
  });
  const scorer = await CoreScorer.start({
    core,
    pool,
    offload: config.core.offload,
    onPoolFailure: (error) =>
      log.error({ err: error }, 'a batch was scored in the HTTP thread because the pool failed'),
  });
  undo.add('scorer and pool', () => scorer.close());
  const breakersPath = join(folder, 'breakers.json');
  const breakers = new CoreBreakers({
    core,
    config: config.breaker,
    now: createTurnClock(now),
    random: Math.random,
    saved: await readBreakerFile(breakersPath, log),
    onTransition: (transition) => {
      bus.publish('breaker.changed', transition);
      record(transitionEvent(transition));
      const recovery = recoveryEvent(transition);
      if (recovery !== undefined) record(recovery);
      breakerFile.changed();
    },
  });
  const breakerFile = new BreakerFile({
    path: breakersPath,
    wallMs: () => clock.wallMs(),
    save: () => breakers.save(),
    log,
  });
  undo.add('breakers', () => breakerFile.close());
  const tally = new CallTally({
    all: () => breakers.all(),
    now,
    record: (event) => record(event),
  });
  const telling = setInterval(() => tally.tell(), config.breaker.tally_ms);
  telling.unref();
  undo.add('tally', () => clearInterval(telling));
  const latency = new CoreLatencies(core);
  const moving = setInterval(() => latency.move(), LATENCY_WINDOW_MS);
  moving.unref();
  undo.add('latencies', () => clearInterval(moving));
  return { core, pool, scorer, breakers, tally, latency };
}
