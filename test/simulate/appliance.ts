import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { Core } from '../../core-wasm/index.js';
import assistantia from '../../modules/assistantia/index.js';
import helloria from '../../modules/helloria/index.js';
import { reflexiaOn } from '../../modules/reflexia/index.js';
import sandozia from '../../modules/sandozia/index.js';
import zeroia from '../../modules/zeroia/index.js';
import { createAdmission } from '../../runtime/admission/admission.js';
import { rateStatus, takeRateLimiters } from '../../runtime/admission/rate-limiters.js';
import { BreakerFile, readBreakerFile } from '../../runtime/breaker/breaker-file.js';
import { CoreBreakers } from '../../runtime/breaker/breakers.js';
import { CallTally } from '../../runtime/breaker/tally.js';
import { recoveryEvent, transitionEvent } from '../../runtime/breaker/transition-event.js';
import { json, type RouteDefinition } from '../../runtime/contracts/http.js';
import type { NewEvent } from '../../runtime/contracts/ledger.js';
import type { ModuleContext, SystemStatus } from '../../runtime/contracts/module.js';
import { type EngineName, engineNames } from '../../runtime/contracts/prompt.js';
import { CoreScorer } from '../../runtime/core/scorer.js';
import { loadGuardModel } from '../../runtime/guard/classifier/load.js';
import { createGuard } from '../../runtime/guard/guard.js';
import { LedgerIdempotency } from '../../runtime/idempotency/idempotency.js';
import { createBus } from '../../runtime/kernel/bus.js';
import { createDegradation } from '../../runtime/kernel/degradation.js';
import { Lifecycle } from '../../runtime/kernel/lifecycle.js';
import { capacityOf } from '../../runtime/kernel/open-admission.js';
import { toldPrompts } from '../../runtime/kernel/told-prompts.js';
import { EventCatalog } from '../../runtime/ledger/events/catalog.js';
import { openLedger } from '../../runtime/ledger/ledger.js';
import { CoreLatencies } from '../../runtime/metrics/latencies.js';
import { openHealer } from '../../runtime/recovery/open-healer.js';
import { openStates } from '../../runtime/recovery/open-states.js';
import { PromptRetries } from '../../runtime/recovery/prompt-retries.js';
import { noMcp, noModels, noOutgoing, noPeople } from '../support/absent-parts.js';
import { cardWriter } from './card.js';
import { SimulatedEngines } from './engines.js';
import { Front } from './front.js';
import { simulatedHost } from './host.js';
import { simulatedLatencies } from './latencies.js';
import { asWorker, readerLine, WriterLine } from './ledger-line.js';
import { observedAdmission, observedBreakers, observedLedger } from './observed.js';
import type { World } from './world.js';

export interface Appliance {
  readonly front: Front;
  readonly engines: SimulatedEngines;
  readonly level: ModuleContext['degradation']['level'];
  readonly limits: ModuleContext['degradation']['limits'];
  readonly queues: ModuleContext['admission']['status'];
  readonly healer: { tried: number; looks: number };
  /** Resolves when this life of the process is over: whoever waits for an answer gets none. */
  readonly over: Promise<'over'>;
  /** Everything is gone at once, as with the power. */
  kill(): void;
  /** Stops in good order; virtual time must go on meanwhile. */
  stop(): Promise<void>;
}

/**
 * One life of the appliance, assembled as `runtime/kernel/start.ts` does it, but for what has no place in virtual time: sockets, threads,
 * sandboxed processes and the lock of the folder.
 */
export async function boot(world: World): Promise<Appliance> {
  const { time, device, config, random, trace, watch, sabotage, folder } = world;
  const life = time.life();
  watch.booted();
  const { clock } = life;
  const now = () => clock.monotonicMs();
  const log = pino({ level: 'silent' });
  const bus = createBus((name, error) =>
    watch.fail('no_surprise', `a subscriber of ${name} failed: ${String(error)}`),
  );
  if (sabotage === 'throw_later')
    bus.subscribe('device.sampled', () => {
      throw new Error('a subscriber that fails');
    });
  const events = new EventCatalog();
  const line: { writer?: WriterLine; reader?: { terminate(): Promise<number> } } = {};
  const opening = openLedger({
    events,
    file: join(folder, 'ledger.sqlite'),
    bootId: `sim-${world.boots}`,
    clock,
    queueMax: config.ledger.queue_max,
    batchMax: config.ledger.batch_max,
    setCorruptAside: false,
    sizeLimitBytes: config.ledger.size_limit_bytes,
    onFailure: (error) => watch.fail('no_surprise', `the ledger failed: ${error.message}`),
    onChange: (change) => {
      trace.add(`ledger ${change.kind} ${change.trouble}`);
      if (change.kind !== 'recovered') return;
      const { trouble, downMs, refused } = change;
      recordLater({
        type: 'ledger_recovered',
        module: 'kernel',
        data: { trouble, down_ms: downMs, refused },
      });
    },
    setTimer: life.setTimer,
    startWriter: (_, data) => {
      const loses = () => sabotage === 'lose_event' && random() < 0.02;
      line.writer = new WriterLine(data, { time, life, device, random, loses });
      return asWorker(line.writer);
    },
    startReader: (_, data) => {
      const reader = readerLine(data, life);
      line.reader = reader;
      return reader;
    },
  });
  // Real files are read, and time stands still meanwhile.
  const real = await time.hold(opening);
  const ledger = observedLedger(real, watch, trace);
  /** For events that nobody waits for. */
  const recordLater = (event: NewEvent) => {
    ledger
      .append(event)
      .catch((error: unknown) => trace.count(`not recorded ${event.type}: ${codeOf(error)}`));
  };
  const core = Core.create();
  const scorer = await CoreScorer.start({ core, offload: 'never', onPoolFailure: () => undefined });
  const breakersPath = join(folder, 'breakers.json');
  const breakers = new CoreBreakers({
    core,
    config: config.breaker,
    now,
    random,
    saved: await time.hold(readBreakerFile(breakersPath, log)),
    onTransition: (transition) => {
      bus.publish('breaker.changed', transition);
      recordLater(transitionEvent(transition));
      const recovery = recoveryEvent(transition);
      if (recovery !== undefined) recordLater(recovery);
      breakerFile.changed();
    },
  });
  const breakerFile = new BreakerFile({
    path: breakersPath,
    wallMs: () => clock.wallMs(),
    save: () => breakers.save(),
    log,
    write: cardWriter(device),
  });
  const tally = new CallTally({ all: () => breakers.all(), now, record: recordLater });
  life.repeat(() => tally.tell(), config.breaker.tally_ms);
  const degradation = createDegradation({ bus, ledger, clock });
  const capacity = (name: EngineName) => {
    const { slots, queueMax } = capacityOf(name, { config, core });
    return [
      name,
      {
        slots: sabotage === 'double_slot' && typeof slots === 'number' ? slots + 1 : slots,
        queueMax: sabotage === 'unbounded_queue' ? 10_000 : queueMax,
      },
    ] as const;
  };
  const latency = simulatedLatencies(new CoreLatencies(core), life);
  const admission = createAdmission({
    engines: Object.fromEntries(engineNames.map(capacity)),
    level: () => degradation.level(),
    clock,
    setTimer: life.setTimer,
    onServed: (engine, tookMs) => latency.recorder('engine', engine).add(tookMs),
  });
  bus.subscribe('level.changed', (change) => {
    admission.levelChanged();
    watch.levelChanged(change);
  });
  const engines = new SimulatedEngines({
    servers: world.servers,
    device,
    life,
    random,
    workers: config.sandbox.workers,
    idleTimeoutMs: config.engines.ollama.idle_timeout_ms,
    connectTimeoutMs: config.engines.ollama.connect_timeout_ms,
    deathChance: () => world.deathChance,
    onCall: (engine, call) => watch.called(engine, call),
    repeats: sabotage === 'retry_storm' ? 3 : 0,
  });
  const prompts = toldPrompts(engines, bus);
  const rate = takeRateLimiters(core, config.limits);
  const guard = createGuard({ core, model: loadGuardModel(config.guard), level: config.guard.level });
  const modules = [zeroia(), reflexiaOn(simulatedHost(device, now)), sandozia(), assistantia()];
  for (const module of modules) events.register(module.name, module.events?.() ?? []);
  const lifecycle = new Lifecycle({
    modules,
    log,
    clock,
    onFault: () => watch.fail('no_surprise', `a module failed: ${JSON.stringify(healths())}`),
  });
  const healths = () =>
    Object.fromEntries(modules.map((module) => [module.name, lifecycle.health(module)] as const));
  const healing = { tried: 0, looks: 0 };
  const { healer, incidents } = await openHealer({
    folder,
    config: config.recovery,
    clock,
    random,
    log,
    ledger: real,
    pool: noPool,
    prompts: engines,
    breakers,
    degradation,
    healths,
    restartModule: (name) => lifecycle.restart(name),
    restartProcess: () => world.restart(),
    record: (event) => {
      if (event.type === 'recovery_attempted') healing.tried++;
      recordLater(event);
    },
    rolledBack: undefined,
    incidentStorage: world.incidents,
  });
  const states = await openStates({
    folder,
    config: config.recovery,
    clock,
    log,
    incidents,
    restarted: undefined,
    record: (event) => {
      if (event.type === 'state_rolled_back') trace.add('state rolled back');
      recordLater(event);
    },
    storage: world.states,
  });
  const metrics = new Registry();
  const front = helloria();
  const status = (): SystemStatus => ({
    name: 'arkalia-luna',
    version: 'simulated',
    ready: true,
    setup_mode: false,
    started_ms: clock.wallMs(),
    uptime_ms: Math.round(now()),
    node: process.version,
    platform: 'linux-arm64',
    level: degradation.level(),
    shed: degradation.shed(),
    degradation: degradation.status(),
    modules: Object.fromEntries(
      modules.map((module) => [
        module.name,
        { version: module.version, priority: module.priority, ...lifecycle.health(module) },
      ]),
    ),
    engines: engines.engines(),
    breakers: breakers.all(),
    queues: admission.status(),
    latency: { http: latency.status('http'), engine: latency.status('engine') },
    rate: { requests: rateStatus(rate.requests), prompts: rateStatus(rate.prompts) },
    sandbox: engines.status(),
    core: {
      ...core.identity,
      offload: 'never',
      crossover: null,
      batch_max: scorer.batchRecordsMax,
      threads: 0,
    },
    ledger: ledger.status(),
    witness: noWitness.status(),
    guard: { mode: config.guard.mode, level: config.guard.level, rules: guard.rules() },
    incidents: incidents.open(),
    states: states.status(),
    recovering: healer.status(),
    watchdog: { stuck: 0, restarts: world.boots - 1 },
  });
  const context: ModuleContext = {
    config,
    log,
    clock,
    setTimer: life.setTimer,
    random,
    bus,
    ledger,
    witness: noWitness,
    guard,
    admission: observedAdmission(admission, watch),
    rate,
    idempotency: new LedgerIdempotency({
      ledger,
      clock,
      keysMax: config.idempotency.keys_max,
      keepMs: config.idempotency.keep_ms,
    }),
    breakers: observedBreakers(breakers, watch, {
      config: config.breaker,
      now,
      stuck: sabotage === 'stuck_breaker',
    }),
    scorer,
    prompts,
    degradation,
    metrics,
    retries: new PromptRetries(metrics),
    latency,
    incidents,
    states,
    mcp: noMcp,
    models: noModels,
    outgoing: noOutgoing,
    people: noPeople,
    access: {
      setupMode: () => false,
      identify: (key) => ({ role: 'user', keyId: key.slice(4) }),
      createKey: () => Promise.reject(noKeys()),
      listKeys: () => [],
      mayGoOn: () => true,
      keyUsage: () => [],
      meter: { request: () => ({ ok: true }), admitPrompt: () => {}, spend: () => {} },
      revokeKey: async () => false,
      renewSetupCode: () => Promise.reject(noKeys()),
      redeemSetupCode: async () => null,
    },
    version: 'simulated',
    controlSocket: '',
    viaToken: 'simulated',
    ready: () => true,
    status,
    routes: () => {
      const routes = [...modules, front].flatMap((module) => module.routes?.() ?? []);
      return sabotage === 'mute_health'
        ? routes.map((route) => muted(route, () => degradation.level()))
        : routes;
    },
    sockets: () => [],
  };
  for (const name of config.engines.order) breakers.get(name);
  await front.provision(context);
  await lifecycle.provision(context);
  recordLater({ type: 'system_started', module: 'kernel', data: startedData(core) });
  await lifecycle.start();
  life.repeat(() => {
    healing.looks++;
    healer
      .pass()
      .then(() => states.look())
      .catch((error: unknown) => watch.fail('no_surprise', `the checks could not run: ${String(error)}`));
  }, config.recovery.look_ms);
  let end!: (value: 'over') => void;
  const over = new Promise<'over'>((resolve) => {
    end = resolve;
  });
  const door = new Front(context);
  const gone = () => {
    life.end();
    engines.cut();
    end('over');
    void line.writer?.terminate();
    void line.reader?.terminate();
  };
  return {
    front: door,
    engines,
    level: () => degradation.level(),
    limits: () => degradation.limits(),
    queues: () => admission.status(),
    healer: healing,
    over,
    kill: gone,
    async stop() {
      door.stop();
      await lifecycle.stop();
      tally.tell();
      recordLater({ type: 'system_stopped', module: 'kernel', data: { reason: 'restart' } });
      await breakerFile.close();
      await states.close();
      admission.close();
      await real.close();
      gone();
    },
  };
}

const noWitness: ModuleContext['witness'] = {
  addCheckpoint: () => Promise.reject(new Error('no witness is simulated')),
  cosigned: () => undefined,
  status: () => ({ given: { cosigned: 0, conflict: 0, refused: 0 }, logs: [], asked: [] }),
};

/** Health that survival sheds too. Only to show that somebody notices. */
function muted(route: RouteDefinition, level: () => string): RouteDefinition {
  if (route.path !== '/health') return route;
  return { ...route, handler: (call) => (level() === 'survival' ? json({}, 503) : route.handler(call)) };
}

/** The simulation scores in its one thread. */
const noPool = { missing: () => 0, restart: async () => undefined };

const noKeys = () => new Error('keys are not simulated');

const startedData = (core: Core) => ({
  version: 'simulated',
  node: 'simulated',
  platform: 'linux',
  arch: 'arm64',
  core_sha256: core.identity.core_sha256,
});

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
