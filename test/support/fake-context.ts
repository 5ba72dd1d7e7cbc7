import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { configSchema } from '../../runtime/config/schema.js';
import type { Bus, BusEvents } from '../../runtime/contracts/bus.js';
import { type Clock, systemTimer } from '../../runtime/contracts/clock.js';
import {
  type Decision,
  type DecisionScorer,
  decisions,
  factorNames,
  type Score,
  type ScoreInput,
  type ScoreRecord,
} from '../../runtime/contracts/decision.js';
import type { Degradation, DegradationLevel } from '../../runtime/contracts/device.js';
import { AppError } from '../../runtime/contracts/errors.js';
import type { SandboxReport } from '../../runtime/contracts/escape.js';
import type { CheckOptions, GuardJudgement } from '../../runtime/contracts/guard.js';
import { CanonicalJson } from '../../runtime/contracts/json.js';
import type {
  Erasure,
  EventQuery,
  FollowQuery,
  Ledger,
  NewEvent,
  Receipt,
  StoredEvent,
} from '../../runtime/contracts/ledger.js';
import type { ModuleContext, SystemStatus } from '../../runtime/contracts/module.js';
import type { EngineView } from '../../runtime/contracts/sandbox.js';
import type { Witness } from '../../runtime/contracts/witness.js';
import { limitsAt } from '../../runtime/kernel/degradation-services.js';
import { PromptRetries } from '../../runtime/recovery/prompt-retries.js';
import { noMcp, noModels, noOutgoing, noPeople, noStates } from './absent-parts.js';

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  private now = 0;
  /** Wall time at monotonic 0: 2026-01-02T03:04:05Z. */
  private readonly epochMs = Date.UTC(2026, 0, 2, 3, 4, 5);

  wallMs(): number {
    return this.epochMs + this.now;
  }

  monotonicMs(): number {
    return this.now;
  }

  advance(ms: number): void {
    this.now += ms;
  }
}

/** The bus of the contract without its error handling: a subscriber that throws fails the test that published. */
class FakeBus implements Bus {
  private readonly handlers = new Map<keyof BusEvents, Set<(payload: never) => void>>();

  publish<K extends keyof BusEvents>(name: K, payload: BusEvents[K]): void {
    for (const handler of this.handlers.get(name) ?? [])
      (handler as (payload: BusEvents[K]) => void)(payload);
  }

  subscribe<K extends keyof BusEvents>(name: K, handler: (payload: BusEvents[K]) => void): () => void {
    const set = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, set);
    set.add(handler as (payload: never) => void);
    return () => set.delete(handler as (payload: never) => void);
  }

  /** Subscriptions that are still there. */
  subscriptions(): number {
    return [...this.handlers.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

/** A ledger in memory: same answers, no disk. Set `failure` and every call rejects with it. */
export class FakeLedger implements Ledger {
  readonly events: StoredEvent[] = [];
  /** Texts by the index of their event. */
  readonly kept = new Map<number, Record<string, string>>();
  failure: AppError | undefined;

  constructor(private readonly clock: Clock) {}

  get log(): never {
    throw new Error('this ledger has no tree');
  }

  async append(event: NewEvent): Promise<Receipt> {
    return this.enqueue(event);
  }

  enqueue(event: NewEvent): Promise<Receipt> {
    if (this.failure) throw this.failure;
    const index = this.events.length;
    const leaf_hash = createHash('sha256')
      .update(`${index}${JSON.stringify(event)}`)
      .digest('hex');
    if (event.texts !== undefined) this.kept.set(index, event.texts);
    this.events.push({
      index,
      type: event.type,
      module: event.module,
      stream: event.stream ?? null,
      correlation_id: event.correlationId ?? null,
      time_ms: this.clock.wallMs(),
      monotonic_ms: this.clock.monotonicMs(),
      boot_id: 'fake-boot',
      v: 1,
      data: event.data instanceof CanonicalJson ? JSON.parse(event.data.text) : structuredClone(event.data),
      commitments: {},
      leaf_hash,
    });
    return Promise.resolve({ recorded: 'durable', index, leaf_hash });
  }

  async query(query: EventQuery): Promise<StoredEvent[]> {
    if (this.failure) throw this.failure;
    const found = this.events.filter(
      (event) =>
        (query.type === undefined || event.type === query.type) &&
        (query.stream === undefined || event.stream === query.stream) &&
        (query.module === undefined || event.module === query.module) &&
        event.index <= (query.until ?? Number.POSITIVE_INFINITY) &&
        event.index >= (query.since ?? 0),
    );
    if (query.order === 'desc') found.reverse();
    return found.slice(0, query.limit);
  }

  async texts(indexes: readonly number[]): Promise<Record<string, string>[]> {
    return indexes.map((index) => this.kept.get(index) ?? {});
  }

  async erase(): Promise<Erasure> {
    const receipt = await this.append({ type: 'erased', module: 'kernel', data: {} });
    return { events: 0, texts: 0, files: [], unreadable: [], receipt };
  }

  /** What is there now; nobody in the tests waits for more. */
  async *follow({ signal: _, ...query }: FollowQuery) {
    yield* await this.query({ ...query, limit: 1000, order: 'asc' });
  }

  async analyse(): Promise<never> {
    throw new Error('this ledger does not analyse');
  }

  status() {
    return {
      state: 'open' as const,
      size: this.events.length,
      minimum_index: 0,
      pending: 0,
      commits: 0,
      bytes: 0,
      limit_bytes: 500_000_000,
      set_aside: [],
    };
  }
}

/** Scores by the three published floors alone; confidence is 1 and carries one factor. */
export function floorScore(input: ScoreInput): Score {
  const reasons: string[] = [];
  let rank = 0;
  const floor = (decision: Decision, reason: string) => {
    rank = Math.max(rank, decisions.indexOf(decision));
    reasons.push(reason);
  };
  if (input.severity === 'critical') floor('emergency_shutdown', 'severity_critical');
  if (input.cpu > 80) floor('reduce_load', 'cpu_above_80');
  else if (input.cpu > 60) floor('monitor', 'cpu_above_60');
  return {
    decision: decisions[rank] as Decision,
    confidence: 1,
    factors: [{ name: 'system_health', score: 1, weight: 1, share: 1 }],
    absent: [],
    reasons,
    pressure: Math.max(input.cpu, input.ram) / 100,
  };
}

const fakeRules = ['severity_critical', 'cpu_above_80', 'cpu_above_60'];
const fakeParameters = { version: 'fake-1', json: '[]' };

/** A score as the record that the hot core would show. */
function recordOf(score: Score): ScoreRecord {
  const { decision, confidence, pressure, reasons, factors } = score;
  const factor = (i: number) => factors.find(({ name }) => name === factorNames[i]);
  return {
    parameters: fakeParameters,
    decision,
    confidence,
    pressure,
    absentBits: factorNames.reduce((bits, _, i) => (factor(i) === undefined ? bits | (1 << i) : bits), 0),
    reasonBits: reasons.reduce((bits, reason) => bits | (1 << fakeRules.indexOf(reason)), 0),
    reasons,
    score: (i) => factor(i)?.score ?? 0,
    weight: (i) => factor(i)?.weight ?? 0,
    share: (i) => factor(i)?.share ?? 0,
    toScore: () => structuredClone(score),
  };
}

const fakeScorer: DecisionScorer = {
  identity: { core_sha256: '00'.repeat(32), weights_version: fakeParameters.version },
  thresholds: {
    cpu: { monitor: 60, reduce: 80 },
    ram: { monitor: 75, reduce: 90 },
    temperatureC: { monitor: 70, reduce: 78 },
  },
  score: async (input, read) => read(recordOf(floorScore(input))),
  withOwn: () => (input, read) => read(recordOf(floorScore(input))),
  batchesOut: () => 0,
};

class FakeDegradation implements Degradation {
  private current: DegradationLevel = 'normal';

  constructor(private readonly bus: Bus) {}

  level(): DegradationLevel {
    return this.current;
  }

  shed(): string[] {
    return [];
  }

  limits() {
    return limitsAt(this.current);
  }

  status() {
    return { reason: null, for_ms: 0, services: [] };
  }

  async set(level: DegradationLevel, reason: string): Promise<void> {
    if (level === this.current) return;
    const from = this.current;
    this.bus.publish('level.changed', { from, to: level, reason });
    this.current = level;
  }
}

const navigatorOnly: EngineView[] = [{ name: 'navigator', state: 'found', models: ['arkalia'] }];
const sandboxStatus: SandboxReport = {
  level: 'process',
  workers: { idle: 2, busy: 0, starting: 0 },
  spawned: 2,
  killed: { deadline: 0, out_of_memory: 0, crashed: 0, protocol: 0, aborted: 0 },
  recycled: 0,
  holds: ['environment: empty'],
  lacks: ['network: reachable'],
  escape: { state: 'off', attempts: [] },
};
const rateStatus = { refused: 0, evicted: 0, evicted_in_debt: 0 };
const noWitness: Witness = {
  addCheckpoint: () => Promise.reject(notHere()),
  cosigned: () => undefined,
  status: () => ({ given: { cosigned: 0, conflict: 0, refused: 0 }, logs: [], asked: [] }),
};
const notHere = () => new AppError('internal', 'the fake context has no such part');

function fakeStatus(context: Pick<ModuleContext, 'clock' | 'degradation' | 'version'>): SystemStatus {
  return {
    name: 'arkalia-luna',
    version: context.version,
    ready: true,
    setup_mode: false,
    started_ms: context.clock.wallMs() - context.clock.monotonicMs(),
    uptime_ms: context.clock.monotonicMs(),
    node: 'v20.20.2',
    platform: 'linux arm64',
    level: context.degradation.level(),
    shed: [],
    degradation: context.degradation.status(),
    modules: {},
    engines: [],
    breakers: [],
    queues: {},
    rate: { requests: rateStatus, prompts: rateStatus },
    latency: { http: {}, engine: {} },
    sandbox: sandboxStatus,
    core: { ...fakeScorer.identity, offload: 'auto', crossover: null, batch_max: 1024, threads: 1 },
    ledger: {
      state: 'open',
      size: 0,
      pending: 0,
      commits: 0,
      bytes: 0,
      limit_bytes: 500_000_000,
      minimum_index: 0,
      set_aside: [],
    },
    witness: noWitness.status(),
    guard: { mode: 'enforce', level: 'medium', rules: [] },
    incidents: [],
    states: [],
    recovering: [],
    watchdog: { stuck: 0, restarts: 0 },
  };
}

const fakeJudgement = ({ mode = 'prompt', level = 'medium' }: CheckOptions = {}): GuardJudgement => ({
  ...{ verdict: 'allow', reasons: [], score: 0, threshold: 0.5, model: '0'.repeat(64) },
  ...{ mode, level },
});

export interface FakeContext extends ModuleContext {
  readonly clock: ManualClock;
  readonly bus: FakeBus;
  readonly ledger: FakeLedger;
}

export interface FakeContextOptions {
  /** What arkalia.toml would say; defaults for the rest. */
  config?: Record<string, unknown>;
  /** Parts that replace the fakes. */
  parts?: Partial<Omit<ModuleContext, 'clock' | 'bus' | 'ledger' | 'config'>>;
}

/** A context whose time, bus and ledger belong to the test. Each part behaves as its contract says, in memory. */
export function createFakeContext(options: FakeContextOptions = {}): FakeContext {
  const clock = new ManualClock();
  const bus = new FakeBus();
  const degradation = options.parts?.degradation ?? new FakeDegradation(bus);
  const version = '0.1.0-test';
  return {
    config: configSchema.parse(options.config ?? {}),
    log: pino({ level: 'silent' }),
    clock,
    models: noModels,
    setTimer: systemTimer,
    random: () => 0.5,
    bus,
    ledger: new FakeLedger(clock),
    witness: noWitness,
    guard: {
      checkPrompt: (_text, options) => fakeJudgement(options),
      detect: async (_text, options) => fakeJudgement(options),
      sanitize: (text) => text,
      watchOutput: () => ({
        push: (text) => ({ release: text }),
        held: () => ({ from: 0, count: 0 }),
        expire: () => ({ release: '' }),
        finish: () => ({ release: '' }),
      }),
      rules: () => ['override-instructions', 'reveal-system-prompt'],
    },
    admission: {
      admit: async () => ({ began: () => undefined, release: () => undefined }),
      tellSlots: () => undefined,
      status: () => ({}),
    },
    rate: { requests: { take: () => ({ ok: true }) }, prompts: { take: () => ({ ok: true }) } },
    breakers: {
      get: () => {
        throw notHere();
      },
      find: () => undefined,
      all: () => [],
    },
    idempotency: {
      claim: () => {
        throw notHere();
      },
    },
    scorer: { ...fakeScorer },
    prompts: {
      run: () => {
        throw notHere();
      },
      engines: () => navigatorOnly,
      refreshEngines: async () => navigatorOnly,
      status: () => sandboxStatus,
      runScript: () => Promise.reject(notHere()),
    },
    mcp: noMcp,
    outgoing: noOutgoing,
    degradation,
    metrics: new Registry(),
    retries: new PromptRetries(new Registry()),
    latency: { recorder: () => ({ add: () => undefined }), status: () => ({}) },
    incidents: {
      all: () => [],
      open: () => [],
      acknowledge: async () => undefined,
      close: async () => undefined,
    },
    access: {
      setupMode: () => false,
      identify: () => null,
      createKey: () => Promise.reject(notHere()),
      listKeys: () => [],
      mayGoOn: () => true,
      keyUsage: () => [],
      meter: { request: () => ({ ok: true }), admitPrompt: () => {}, spend: () => {} },
      revokeKey: async () => false,
      renewSetupCode: () => Promise.reject(notHere()),
      redeemSetupCode: async () => null,
    },
    people: noPeople,
    states: noStates,
    version,
    controlSocket: '/nowhere/control.sock',
    viaToken: 'fake-via',
    ready: () => true,
    status: () => fakeStatus({ clock, degradation, version }),
    routes: () => [],
    sockets: () => [],
    ...options.parts,
  };
}
