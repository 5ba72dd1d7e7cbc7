import { rateStatus, type takeRateLimiters } from '../admission/rate-limiters.js';
import type { Config } from '../config/schema.js';
import type { Clock } from '../contracts/clock.js';
import type { CoreIdentity } from '../contracts/decision.js';
import type { ModuleContext, SystemStatus } from '../contracts/module.js';
import type { CoreScorer } from '../core/scorer.js';
import type { createGuard } from '../guard/guard.js';
import type { CoreLatencies } from '../metrics/latencies.js';
import type { openHealer } from '../recovery/open-healer.js';
import type { openStates } from '../recovery/open-states.js';
import type { Restarted } from './appliance.js';
import type { EscapeWatch } from './escape-watch.js';
import type { Lifecycle } from './lifecycle.js';
import type { OpenRecord } from './open-record.js';
import type { OpenSandbox } from './open-sandbox.js';
import type { createWatchdog } from './watchdog.js';

type Shared = Pick<ModuleContext, 'access' | 'admission' | 'breakers' | 'degradation'>;

interface StatusParts extends Shared, Pick<OpenRecord, 'ledger' | 'witness'> {
  config: Config;
  clock: Clock;
  version: string;
  /** When the start began. */
  startedMs: number;
  startedMonotonicMs: number;
  ready: () => boolean;
  restarted: Restarted | undefined;
  core: { identity: CoreIdentity };
  scorer: Pick<CoreScorer, 'crossoverRecords' | 'batchRecordsMax'>;
  latency: CoreLatencies;
  rate: ReturnType<typeof takeRateLimiters>;
  prompts: OpenSandbox['prompts'];
  escapeWatch: EscapeWatch;
  guard: ReturnType<typeof createGuard>;
  lifecycle: Lifecycle;
  healing: Awaited<ReturnType<typeof openHealer>>;
  states: Awaited<ReturnType<typeof openStates>>;
  watchdog: ReturnType<typeof createWatchdog>;
}

/** What `GET /status` tells, read anew at each call. */
export function createStatus(parts: StatusParts): () => SystemStatus {
  const { config, clock, version, ready, restarted, access, degradation, lifecycle, prompts, breakers } =
    parts;
  const { admission, latency, rate, escapeWatch, core, scorer, ledger, witness, guard, states, watchdog } =
    parts;
  const { healer, incidents } = parts.healing;
  const { startedMs, startedMonotonicMs } = parts;
  return () => ({
    name: 'arkalia-luna',
    version,
    ready: ready(),
    setup_mode: access.setupMode(),
    started_ms: startedMs,
    uptime_ms: Math.round(clock.monotonicMs() - startedMonotonicMs),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    level: degradation.level(),
    shed: degradation.shed(),
    degradation: degradation.status(),
    modules: Object.fromEntries(
      lifecycle.modules.map((module) => [
        module.name,
        { version: module.version, priority: module.priority, ...lifecycle.health(module) },
      ]),
    ),
    engines: prompts.engines(),
    breakers: breakers.all(),
    queues: admission.status(),
    get latency() {
      return { http: latency.status('http'), engine: latency.status('engine') };
    },
    rate: { requests: rateStatus(rate.requests), prompts: rateStatus(rate.prompts) },
    sandbox: { ...prompts.status(), escape: escapeWatch.status() },
    core: {
      ...core.identity,
      offload: config.core.offload,
      crossover: Number.isFinite(scorer.crossoverRecords) ? scorer.crossoverRecords : null,
      batch_max: scorer.batchRecordsMax,
      threads: config.core.threads,
    },
    ledger: ledger.status(),
    witness: witness.status(),
    guard: { mode: config.guard.mode, level: config.guard.level, rules: guard.rules() },
    incidents: incidents.open(),
    states: states.status(),
    recovering: healer.status(),
    watchdog: {
      stuck: watchdog.stuck,
      restarts: restarted?.count ?? 0,
      ...(restarted === undefined ? {} : { restart_cause: restarted.cause }),
    },
  });
}
