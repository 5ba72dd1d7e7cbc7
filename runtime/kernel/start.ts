import { randomBytes } from 'node:crypto';
import { takeRateLimiters } from '../admission/rate-limiters.js';
import { packageVersion } from '../config/version.js';
import { systemClock, systemTimer } from '../contracts/clock.js';
import { SystemRebootRequired } from '../contracts/errors.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { ModuleContext, SystemStatus } from '../contracts/module.js';
import { controlSocketPath } from '../data-folder/control-socket.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { loadGuardModel } from '../guard/classifier/load.js';
import { createGuard } from '../guard/guard.js';
import { openSecondOpinion } from '../guard/open-second-opinion.js';
import { LedgerIdempotency } from '../idempotency/idempotency.js';
import { EventCatalog } from '../ledger/events/catalog.js';
import { createMcpServers } from '../mcp/servers.js';
import { createMetrics } from '../metrics/metrics.js';
import { HostList } from '../outgoing/hosts.js';
import { createOutgoing } from '../outgoing/outgoing.js';
import { Looks } from '../recovery/looks.js';
import { openHealer } from '../recovery/open-healer.js';
import { openStates } from '../recovery/open-states.js';
import { PromptRetries } from '../recovery/prompt-retries.js';
import type { Appliance, StartOptions } from './appliance.js';
import { banner } from './banner.js';
import { createBus } from './bus.js';
import { createDegradation } from './degradation.js';
import { Lifecycle } from './lifecycle.js';
import { loadModules } from './modules.js';
import { openAdmission } from './open-admission.js';
import { openCore } from './open-core.js';
import { openDoors } from './open-doors.js';
import { openRecord } from './open-record.js';
import { openSandbox } from './open-sandbox.js';
import { createStatus } from './system-status.js';
import { toldPrompts } from './told-prompts.js';
import { Undo } from './undo.js';
import { createWatchdog } from './watchdog.js';

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
  const scheme = config.http.tls_cert_file === undefined ? 'http' : 'https';

  const folder = await openDataFolder(config.data_dir, {
    address: `${scheme}://${config.http.host}:${config.http.port}`,
    version,
    clock,
  });
  undo.add('data folder', () => folder.release());
  // Read and compiled while the ledger, the pool and the sandbox begin in threads and processes of their own.
  const loading = loadModules(config.modules.enabled, builtIn);
  // Heard below; what fails before is what is told.
  loading.catch(() => {});
  const base = { config, folder: folder.path, log, clock, undo };
  const bus = createBus((name, error) => log.error({ err: error, event: name }, 'a subscriber failed'));
  const watchdog = createWatchdog({
    config,
    log,
    bus,
    record: (event) => record(event),
  });
  undo.add('watchdog', () => watchdog.close());
  const heal = new Looks(config.recovery.look_ms, log);
  undo.add('checks', () => heal.stop());
  const events = new EventCatalog();
  const { ledger, witness, record, notices } = await openRecord({
    ...base,
    events,
    heart: watchdog.ledger.place,
    viaToken,
    onFailure: () => heal.now(),
  });
  const { access, people, warnings } = await openDoors({ ...base, ledger, scheme });
  for (const name of ledger.status().set_aside) {
    warnings.push(
      `the ledger was damaged once: ${name} in the data folder is what was there. Examine it with "arkalia verify", then keep it elsewhere`,
    );
  }

  const { core, pool, scorer, breakers, tally, latency } = await openCore({
    ...base,
    bus,
    record,
    heart: watchdog.pool,
  });
  const degradation = createDegradation({ bus, ledger, clock });
  const admission = openAdmission({ ...base, core, bus, degradation, latency });
  const { prompts, models, escapeWatch } = await openSandbox({
    ...base,
    version,
    viaToken,
    bus,
    ledger,
    record,
    watchdog,
    degradation,
    admission,
  });
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
  const modules = await loading;
  for (const module of modules) events.register(module.name, module.events?.() ?? []);
  const lifecycle = new Lifecycle({ modules, log, clock, onFault: () => heal.now() });
  const healing = await openHealer({
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
    record,
    rolledBack,
  });
  const { healer, incidents } = healing;
  const states = await openStates({
    folder: folder.path,
    config: config.recovery,
    clock,
    log,
    incidents,
    restarted: restarted?.cause,
    record,
  });
  await models.keepVersions(states, (error) =>
    log.error({ err: error }, 'the model that was used before could not be chosen again'),
  );
  undo.add('states', () => states.close());
  const status = createStatus({
    config,
    clock,
    version,
    ready: () => ready,
    restarted,
    access,
    degradation,
    lifecycle,
    prompts,
    breakers,
    admission,
    latency,
    rate,
    escapeWatch,
    core,
    scorer,
    ledger,
    witness,
    guard,
    healing,
    states,
    watchdog,
    startedMs,
    startedMonotonicMs,
  });
  const metrics = createMetrics(status, latency);
  const mcp = createMcpServers({
    servers: config.mcp.servers,
    env: process.env,
    start: (spec, listen) => prompts.startToolServer(spec, listen),
    nowMs: now,
    version,
    record,
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
    record({ type: 'system_restarted', module: 'kernel', data: { cause, restarts } });
  }
  const ofConfiguration = configurationEvent(options);
  if (ofConfiguration !== undefined) record(ofConfiguration);
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
  await watchdog.ready();
  ready = true;
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
    recordError: (error) => record({ type: 'system_error', module: 'kernel', data: { name: error.name } }),
    close: (reason) => {
      closing ??= (async () => {
        ready = false;
        heal.stop();
        watchdog.closing();
        await lifecycle.stop();
        tally.tell();
        record({ type: 'system_stopped', module: 'kernel', data: { reason } });
        await undo.run();
      })();
      return closing;
    },
  };
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
