import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Core, coreModule } from '../../core-wasm/index.js';
import { createPromptRunner } from '../../sandbox/index.js';
import { createAdmission } from '../admission/admission.js';
import { rateStatus, takeRateLimiters } from '../admission/rate-limiters.js';
import { BreakerFile, readBreakerFile } from '../breaker/breaker-file.js';
import { CoreBreakers } from '../breaker/breakers.js';
import { CallTally } from '../breaker/tally.js';
import { recoveryEvent, transitionEvent } from '../breaker/transition-event.js';
import type { Config } from '../config/schema.js';
import { packageVersion } from '../config/version.js';
import { systemClock, systemTimer } from '../contracts/clock.js';
import type { RolledBack } from '../contracts/configuration.js';
import { SystemRebootRequired } from '../contracts/errors.js';
import type { Ledger, NewEvent } from '../contracts/ledger.js';
import type { ModuleContext, SystemStatus } from '../contracts/module.js';
import { type EngineName, engineNames } from '../contracts/prompt.js';
import { CorePool } from '../core/pool.js';
import { CoreScorer } from '../core/scorer.js';
import { controlSocketPath } from '../data-folder/control-socket.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { loadGuardModel } from '../guard/classifier/load.js';
import { createGuard } from '../guard/guard.js';
import { openSecondOpinion } from '../guard/open-second-opinion.js';
import { LedgerIdempotency } from '../idempotency/idempotency.js';
import { EventCatalog } from '../ledger/events/catalog.js';
import { type LedgerChange, openLedger } from '../ledger/ledger.js';
import { openWitness } from '../ledger/witness/witness.js';
import { createMcpServers } from '../mcp/servers.js';
import { CoreLatencies, LATENCY_WINDOW_MS } from '../metrics/latencies.js';
import { createMetrics } from '../metrics/metrics.js';
import { pullLimits } from '../models/download.js';
import { Manifest } from '../models/manifest.js';
import { ModelStore } from '../models/store.js';
import { HostList } from '../outgoing/hosts.js';
import { createOutgoing } from '../outgoing/outgoing.js';
import { Looks } from '../recovery/looks.js';
import { openHealer } from '../recovery/open-healer.js';
import { openStates } from '../recovery/open-states.js';
import { PromptRetries } from '../recovery/prompt-retries.js';
import { keepCore } from '../replay/cores.js';
import { openAccess } from '../security/access.js';
import { openPeople } from '../security/people.js';
import { banner } from './banner.js';
import { createBus } from './bus.js';
import { createDegradation } from './degradation.js';
import { EscapeWatch } from './escape-watch.js';
import { Lifecycle } from './lifecycle.js';
import { modelMemory } from './model-memory.js';
import { type BuiltInModules, loadModules } from './modules.js';
import { toldPrompts } from './told-prompts.js';
import { createTurnClock } from './turn-clock.js';
import { Undo } from './undo.js';
import { createWatchdog } from './watchdog.js';

export interface StartOptions {
  config: Config;
  log: Logger;
  builtIn: BuiltInModules;
  /** The process before this one ended and was replaced by this: why, and how many there were. */
  restarted?: Restarted | undefined;
  /** The configuration is another one than before. */
  changedFrom?: { version: string; before: string };
  /** The configuration is not the one that was given. */
  rolledBack?: RolledBack | undefined;
}

export interface Restarted {
  cause: string;
  count: number;
}

export interface Appliance {
  /** Where it is reached, such as `http://127.0.0.1:8000`. */
  address: string;
  /** What a person should read at the start. */
  banner: string[];
  status(): SystemStatus;
  /** Stops accepting, lets what runs finish or cancels it, flushes the ledger. May be called again. */
  close(reason: string): Promise<void>;
  /** Records an error that nobody caught; the caller then closes. */
  recordError(error: Error): void;
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

async function open(options: StartOptions, undo: Undo): Promise<Appliance> {
  const { config, log, builtIn, restarted, rolledBack } = options;
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
  const bus = createBus((name, error) => log.error({ err: error, event: name }, 'a subscriber failed'));
  const watchdog = createWatchdog({
    config,
    log,
    bus,
    record: (event) => recordLater(ledger, log, event),
  });
  undo.add('watchdog', () => watchdog.close());
  const heal = new Looks(config.recovery.look_ms, log);
  undo.add('checks', () => heal.stop());
  const events = new EventCatalog();
  const notices: string[] = [];
  const ledger = await openLedger({
    events,
    file: join(folder.path, 'ledger.sqlite'),
    bootId: randomBytes(8).toString('hex'),
    clock,
    queueMax: config.ledger.queue_max,
    batchMax: config.ledger.batch_max,
    setCorruptAside: true,
    heart: watchdog.ledger.place,
    sizeLimitBytes: config.ledger.size_limit_bytes,
    ageMaxMs: config.ledger.age_max_days === 0 ? undefined : config.ledger.age_max_days * 86_400_000,
    isRestarted: true,
    onFailure: (error) => {
      log.fatal(
        { err: error },
        'the writer of the ledger failed; nothing is recorded until there is another',
      );
      heal.now();
    },
    onChange: (change) => {
      logLedgerChange(log, change);
      if (change.kind === 'recovered') recordLater(ledger, log, outageEvent(change));
    },
    onNotice: (notice) => {
      log.error(notice);
      notices.push(notice);
    },
  });
  undo.add('ledger', () => ledger.close());
  const witness = await openWitness({
    config: config.ledger.witness,
    folder: folder.path,
    ledger,
    clock,
    viaToken,
    onProblem: (message) => log.warn(message),
    onFork: (fork) => log.error(fork, 'a log has two histories: these two checkpoints prove it'),
  });
  undo.add('witness', () => witness.close());
  const lifeMs = config.http.login_ms;
  const people = await openPeople({ dataDir: folder.path, clock, ledger, lifeMs });
  const {
    access,
    warnings,
    close: closeAccess,
  } = await openAccess({
    dataDir: folder.path,
    clock,
    ledger,
    loopback,
    hasUsers: () => people.listUsers().length > 0,
    apiKeyFile: config.api_key_file,
    onProblem: (message, error) => log.error({ err: error }, message),
  });
  undo.add('access', closeAccess);
  if (!loopback && scheme === 'http') {
    warnings.push(
      'listening beyond this machine without TLS: keys and prompts travel in the clear; set http.tls_cert_file and http.tls_key_file',
    );
  }

  for (const name of ledger.status().set_aside) {
    warnings.push(
      `the ledger was damaged once: ${name} in the data folder is what was there. Examine it with "arkalia verify", then keep it elsewhere`,
    );
  }

  await keepCore(folder.path, coreModule());
  const core = Core.create();
  const pool = new CorePool(core, {
    threads: config.core.threads,
    heart: watchdog.pool,
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
  const breakersPath = join(folder.path, 'breakers.json');
  const breakers = new CoreBreakers({
    core,
    config: config.breaker,
    now: createTurnClock(now),
    random: Math.random,
    saved: await readBreakerFile(breakersPath, log),
    onTransition: (transition) => {
      bus.publish('breaker.changed', transition);
      recordLater(ledger, log, transitionEvent(transition));
      const recovery = recoveryEvent(transition);
      if (recovery !== undefined) recordLater(ledger, log, recovery);
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
    record: (event) => recordLater(ledger, log, event),
  });
  const telling = setInterval(() => tally.tell(), config.breaker.tally_ms);
  telling.unref();
  undo.add('tally', () => clearInterval(telling));
  const degradation = createDegradation({ bus, ledger, clock });
  const capacity = (name: EngineName) => {
    const engine = config.engines[name];
    const slots = 'sequences' in engine ? engine.sequences : engine.slots;
    // More than the workers can never be in flight.
    const adaptive = { min: 1, initial: 1, max: config.sandbox.workers };
    return [
      name,
      { slots: slots === 'auto' ? core.limits.take(adaptive) : slots, queueMax: engine.queue_max },
    ] as const;
  };
  const latency = new CoreLatencies(core);
  const moving = setInterval(() => latency.move(), LATENCY_WINDOW_MS);
  moving.unref();
  undo.add('latencies', () => clearInterval(moving));
  const admission = createAdmission({
    engines: Object.fromEntries(engineNames.map(capacity)),
    level: () => degradation.level(),
    clock,
    onServed: (engine, tookMs) => latency.recorder('engine', engine).add(tookMs),
  });
  bus.subscribe('level.changed', () => admission.levelChanged());
  undo.add('admission', () => admission.close());
  const manifest = await Manifest.read(join(folder.path, 'models.json'));
  const prompts = createPromptRunner({
    models: manifest.pins(config.models_dir),
    sandbox: config.sandbox,
    engines: config.engines,
    models_dir: config.models_dir,
    viaToken,
    monotonicMs: now,
    onEngines: (views) => {
      for (const { name, slots } of views) admission.tellSlots(name, slots);
    },
    watch: (pid) => watchdog.child(pid),
    onIncident: (incident) => log.warn({ incident }, 'a sandboxed process was stopped'),
  });
  undo.add('sandbox', () => prompts.close());
  const unloadModel = modelMemory({
    ...{ bus, prompts, log },
    modelsMay: () => degradation.limits().models,
    ramMax: config.engines.embedded.unload_ram,
  });
  await prompts.start();
  const models = new ModelStore({
    folder: config.models_dir,
    manifest,
    embedded: config.engines.embedded,
    viaToken,
    pull: pullLimits(config.models),
    ledger,
    clock,
    reader: prompts,
    onChange: async (isUsedChanged) => {
      if (isUsedChanged) unloadModel();
      await prompts.refreshEngines();
    },
  });
  undo.add('models', () => models.close());
  const escapeWatch = new EscapeWatch({
    file: join(folder.path, 'escape-probe.json'),
    version,
    enabled: config.sandbox.probe,
    sandbox: () => prompts.status(),
    probe: (signal) =>
      prompts.probeEscape(
        { ledger: join(folder.path, 'ledger.sqlite'), keys: join(folder.path, 'keys.json') },
        signal,
      ),
    wallMs: () => clock.wallMs(),
    record: (event) => recordLater(ledger, log, event),
    log,
  });
  undo.add('escape probe', () => escapeWatch.close());
  const rate = takeRateLimiters(core, config.limits);

  const idempotency = new LedgerIdempotency({
    ledger,
    clock,
    keysMax: config.idempotency.keys_max,
    keepMs: config.idempotency.keep_ms,
  });
  bus.subscribe('texts.erased', () => idempotency.forget());

  let ready = false;
  const guard = createGuard({
    core,
    model: loadGuardModel(config.guard),
    level: config.guard.level,
    personalData: config.guard.personal_data,
    second: await openSecondOpinion(prompts, config.guard),
  });
  undo.add('guard', () => guard.close());
  const modules = await loadModules(config.modules.enabled, builtIn);
  for (const module of modules) events.register(module.name, module.events?.() ?? []);
  const lifecycle = new Lifecycle({ modules, log, clock, onFault: () => heal.now() });
  const { healer, incidents } = await openHealer({
    folder: folder.path,
    config: config.recovery,
    clock,
    random: Math.random,
    log,
    ledger,
    pool,
    prompts,
    breakers,
    degradation,
    healths: () =>
      Object.fromEntries(modules.map((module) => [module.name, lifecycle.health(module)] as const)),
    restartModule: (name) => lifecycle.restart(name),
    // Whoever waits for an error that nobody caught closes in good order and ends.
    restartProcess: (reason) =>
      setImmediate(() => {
        throw new SystemRebootRequired(reason);
      }),
    record: (event) => recordLater(ledger, log, event),
    rolledBack,
  });
  const states = await openStates({
    folder: folder.path,
    config: config.recovery,
    clock,
    log,
    incidents,
    restarted: restarted?.cause,
    record: (event) => recordLater(ledger, log, event),
  });
  await models.keepVersions(states, (error) =>
    log.error({ err: error }, 'the model that was used before could not be chosen again'),
  );
  undo.add('states', () => states.close());
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
  const metrics = createMetrics(status, latency);
  const mcp = createMcpServers({
    servers: config.mcp.servers,
    env: process.env,
    start: (spec, listen) => prompts.startToolServer(spec, listen),
    nowMs: now,
    version,
    record: (event) => recordLater(ledger, log, event),
    onProblem: (error) => log.error({ err: error }, 'the way out for an MCP server failed'),
  });
  undo.add('MCP servers', () => mcp.close());
  const context: ModuleContext = {
    config,
    log,
    clock,
    setTimer: systemTimer,
    random: Math.random,
    bus,
    ledger,
    witness,
    guard,
    admission,
    rate,
    idempotency,
    breakers,
    scorer,
    prompts: toldPrompts(prompts, bus),
    mcp,
    outgoing: createOutgoing({
      hosts: new HostList(config.tools.http_hosts),
      bytesMax: config.tools.http_bytes_max,
      timeoutMs: config.tools.http_ms,
    }),
    models,
    degradation,
    metrics,
    retries: new PromptRetries(metrics),
    latency,
    incidents,
    states,
    access,
    people,
    version,
    controlSocket: controlSocketPath(folder.path),
    viaToken,
    ready: () => ready,
    status,
    routes: () => lifecycle.modules.flatMap((module) => module.routes?.() ?? []),
    sockets: () => lifecycle.modules.flatMap((module) => module.sockets?.() ?? []),
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
  if (restarted !== undefined) {
    const { cause, count: restarts } = restarted;
    log.warn({ cause, restarts }, 'started again');
    recordLater(ledger, log, { type: 'system_restarted', module: 'kernel', data: { cause, restarts } });
  }
  const ofConfiguration = configurationEvent(options);
  if (ofConfiguration !== undefined) recordLater(ledger, log, ofConfiguration);
  warnings.push(...states.undoneAtStart);
  if (rolledBack !== undefined) warnings.push(`the configuration was undone: ${rolledBack.why}`);
  const tried = escapeWatch.start();
  // Whoever requires a level is not served before it has been tried.
  if (config.sandbox.require !== 'process') {
    await tried;
    const open = escapeWatch.open();
    if (open.length > 0)
      throw new Error(
        `sandbox.require is "${config.sandbox.require}", but the escape probe got through: ${open.join(', ')}`,
      );
  }
  await lifecycle.start();
  ready = true;
  watchdog.ready();
  heal.begin(async () => {
    await healer.pass();
    await states.look();
  });

  let closing: Promise<void> | undefined;
  const address = addressOf(status());
  return {
    address,
    banner: banner({
      status: status(),
      address,
      dataDir: folder.path,
      order: config.engines.order,
      warnings: [...notices, ...warnings],
    }),
    status,
    recordError: (error) =>
      recordLater(ledger, log, { type: 'system_error', module: 'kernel', data: { name: error.name } }),
    close: (reason) => {
      closing ??= (async () => {
        ready = false;
        heal.stop();
        watchdog.closing();
        await lifecycle.stop();
        tally.tell();
        recordLater(ledger, log, { type: 'system_stopped', module: 'kernel', data: { reason } });
        await undo.run();
      })();
      return closing;
    },
  };
}

function logLedgerChange(log: Logger, change: LedgerChange): void {
  const { kind, ...facts } = change;
  if (kind === 'recovered') log.warn(facts, 'the ledger records again');
  else log.error(facts, 'the ledger cannot record; what must be recorded is refused until it can');
}

/** The gap, for whoever reads the log. */
function outageEvent({ trouble, downMs, refused }: LedgerChange & { kind: 'recovered' }): NewEvent {
  return { type: 'ledger_recovered', module: 'kernel', data: { trouble, down_ms: downMs, refused } };
}

function configurationEvent({ rolledBack, changedFrom }: StartOptions): NewEvent | undefined {
  const module = 'kernel';
  if (rolledBack !== undefined) {
    const { version, backTo: back_to, why } = rolledBack;
    return { type: 'configuration_rolled_back', module, data: { version, back_to, why } };
  }
  return changedFrom && { type: 'configuration_changed', module, data: { ...changedFrom } };
}

/** Helloria knows the port when 0 was asked for. */
function addressOf(status: SystemStatus): string {
  const address = status.modules.helloria?.facts?.address;
  return typeof address === 'string' ? address : 'nowhere: the module helloria is not enabled';
}

/** For events that nobody waits for; closing the ledger flushes them. */
function recordLater(ledger: Ledger, log: Logger, event: NewEvent): void {
  ledger
    .append(event)
    .catch((error: unknown) => log.error({ err: error, type: event.type }, 'an event could not be recorded'));
}
