import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Core } from '../../core-wasm/index.js';
import { createPromptRunner } from '../../sandbox/index.js';
import { EngineAdmission } from '../admission/admission.js';
import { createRateLimiter } from '../admission/rate-limit.js';
import { shedAt } from '../admission/shed.js';
import { createBreakers, type TransitionNotice } from '../breaker/breakers.js';
import type { Config } from '../config/schema.js';
import { packageVersion } from '../config/version.js';
import { systemClock } from '../contracts/clock.js';
import type { Ledger, NewEvent } from '../contracts/ledger.js';
import type { ModuleContext, SystemStatus } from '../contracts/module.js';
import { CorePool } from '../core/pool.js';
import { BatchScorer } from '../core/scorer.js';
import { controlSocketPath } from '../data-folder/control-socket.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { createGuard } from '../guard/guard.js';
import { openLedger } from '../ledger/ledger.js';
import { createMetrics } from '../metrics/metrics.js';
import { openAccess } from '../security/access.js';
import { banner } from './banner.js';
import { createBus } from './bus.js';
import { createDegradation } from './degradation.js';
import { Lifecycle } from './lifecycle.js';
import { type BuiltInModules, loadModules } from './modules.js';
import { Undo } from './undo.js';

export interface StartOptions {
  config: Config;
  log: Logger;
  builtIn: BuiltInModules;
}

export interface Appliance {
  /** Where it is reached, such as `http://127.0.0.1:8000`. */
  address: string;
  /** What a person should read at the start. */
  banner: string[];
  status(): SystemStatus;
  /** Stops accepting, lets what runs finish or cancels it, flushes the ledger. May be called again. */
  close(reason: string): Promise<void>;
}

/** Whether only this machine can reach a listening address. */
function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Starts the appliance: folder, ledger, hot core, access, guard, admission, sandbox, then the modules. When a step fails, what was
 * opened is closed again and the error is thrown.
 */
export async function start(options: StartOptions): Promise<Appliance> {
  const undo = new Undo(options.log);
  try {
    return await open(options, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function open({ config, log, builtIn }: StartOptions, undo: Undo): Promise<Appliance> {
  const clock = systemClock;
  const now = () => clock.monotonicMs();
  const version = packageVersion();
  const startedMs = clock.wallMs();
  const startedMonotonicMs = now();
  const viaToken = randomBytes(12).toString('hex');
  const loopback = isLoopbackHost(config.http.host);
  const scheme = config.http.tls_cert_file === undefined ? 'http' : 'https';

  const folder = await openDataFolder(config.data_dir, {
    address: `${scheme}://${config.http.host}:${config.http.port}`,
    version,
    clock,
  });
  undo.add('data folder', () => folder.release());
  const ledger = await openLedger({
    file: join(folder.path, 'ledger.sqlite'),
    bootId: randomBytes(8).toString('hex'),
    clock,
    queueMax: config.ledger.queue_max,
    batchMax: config.ledger.batch_max,
    onFailure: (error) => log.fatal({ err: error }, 'the ledger failed; nothing is recorded until a restart'),
  });
  undo.add('ledger', () => ledger.close());
  const { access, warnings } = await openAccess({
    dataDir: folder.path,
    clock,
    ledger,
    loopback,
    apiKeyFile: config.api_key_file,
  });
  if (!loopback && scheme === 'http') {
    warnings.push(
      'listening beyond this machine without TLS: keys and prompts travel in the clear; set http.tls_cert_file and http.tls_key_file',
    );
  }

  const bus = createBus((name, error) => log.error({ err: error, event: name }, 'a subscriber failed'));
  const core = Core.create();
  const pool = new CorePool(core, config.core.threads);
  undo.add('pool', () => pool.close());
  const scorer = new BatchScorer({
    core,
    pool,
    offload: config.core.offload,
    now,
    onPoolFailure: (error) =>
      log.error({ err: error }, 'a pool thread failed; its batch was scored in the HTTP thread'),
  });
  undo.add('scorer', () => scorer.close());
  await scorer.start();
  const breakers = createBreakers({
    core,
    config: config.breaker,
    clock,
    onTransition: (notice) => {
      bus.publish('breaker.changed', notice);
      recordLater(ledger, log, transitionEvent(notice));
    },
  });
  const degradation = createDegradation({ bus, ledger, shedAt });
  const { ollama, openai, embedded, navigator } = config.engines;
  const admission = new EngineAdmission({
    engines: { ollama, openai, embedded, navigator },
    level: () => degradation.level(),
    clock,
  });
  undo.add('admission', () => admission.close());
  const prompts = createPromptRunner({
    sandbox: config.sandbox,
    engines: config.engines,
    models_dir: config.models_dir,
    viaToken,
    monotonicMs: now,
    onIncident: (incident) => log.warn({ incident }, 'a sandboxed process was stopped'),
  });
  undo.add('sandbox', () => prompts.close());
  await prompts.start();
  const { limits } = config;
  const rate = {
    requests: createRateLimiter({
      perSecond: limits.requests_per_second,
      burst: limits.requests_burst,
      clientsMax: limits.clients_max,
      now,
    }),
    prompts: createRateLimiter({
      perSecond: limits.prompts_per_minute / 60,
      burst: limits.prompts_burst,
      clientsMax: limits.clients_max,
      now,
    }),
  };

  let ready = false;
  const guard = createGuard();
  const lifecycle = new Lifecycle(await loadModules(config.modules.enabled, builtIn), log);
  const status = (): SystemStatus => ({
    name: 'arkalia-luna',
    version,
    ready,
    setup_mode: access.setupMode(),
    started_ms: startedMs,
    uptime_ms: Math.round(now() - startedMonotonicMs),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    level: degradation.level(),
    shed: degradation.shed(),
    modules: Object.fromEntries(
      lifecycle.modules.map((module) => [
        module.name,
        { version: module.version, priority: module.priority, ...lifecycle.health(module) },
      ]),
    ),
    engines: prompts.engines(),
    breakers: breakers.all(),
    queues: admission.status(),
    sandbox: prompts.status(),
    core: {
      ...core.identity,
      offload: config.core.offload,
      crossover: scorer.crossover,
      threads: pool.threads,
    },
    ledger: ledger.status(),
    guard: { mode: config.guard.mode, rules: guard.rules() },
  });
  const context: ModuleContext = {
    config,
    log,
    clock,
    random: Math.random,
    bus,
    ledger,
    guard,
    admission,
    rate,
    breakers,
    scorer,
    prompts,
    degradation,
    metrics: createMetrics(status),
    access,
    version,
    controlSocket: controlSocketPath(folder.path),
    viaToken,
    ready: () => ready,
    status,
    routes: () => lifecycle.modules.flatMap((module) => module.routes?.() ?? []),
  };
  for (const name of config.engines.order) breakers.get(name);
  undo.add('modules', () => lifecycle.stop());
  await lifecycle.provision(context);
  await ledger.append({
    type: 'system_started',
    module: 'kernel',
    data: {
      version,
      node: process.version,
      platform: process.platform,
      arch: process.arch,
      core_sha256: core.identity.core_sha256,
    },
  });
  await lifecycle.start();
  ready = true;

  let closing: Promise<void> | undefined;
  const address = addressOf(status());
  return {
    address,
    banner: banner({
      status: status(),
      address,
      dataDir: folder.path,
      order: config.engines.order,
      warnings,
    }),
    status,
    close: (reason) => {
      closing ??= (async () => {
        ready = false;
        await lifecycle.stop();
        recordLater(ledger, log, { type: 'system_stopped', module: 'kernel', data: { reason } });
        await undo.run();
      })();
      return closing;
    },
  };
}

/** Helloria knows the port when 0 was asked for. */
function addressOf(status: SystemStatus): string {
  const address = status.modules.helloria?.facts?.address;
  return typeof address === 'string' ? address : 'nowhere: the module helloria is not enabled';
}

const transitionTypes = {
  open: 'circuit_opened',
  half_open: 'circuit_half_opened',
  closed: 'circuit_closed',
} as const;

function transitionEvent({ name, from, to, cause }: TransitionNotice): NewEvent {
  return { type: transitionTypes[to], module: 'kernel', data: { breaker: name, from, to, cause } };
}

/** For events that nobody waits for; closing the ledger flushes them. */
function recordLater(ledger: Ledger, log: Logger, event: NewEvent): void {
  ledger
    .append(event)
    .catch((error: unknown) => log.error({ err: error, type: event.type }, 'an event could not be recorded'));
}
