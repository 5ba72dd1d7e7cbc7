import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import type { Access } from './access.js';
import type { Admission, QueueStatus, RateLimiter, RateStatus } from './admission.js';
import type { BreakerSnapshot, Breakers } from './breaker.js';
import type { Bus } from './bus.js';
import type { Clock, SetTimer } from './clock.js';
import type { CoreIdentity, DecisionScorer } from './decision.js';
import type { Degradation, DegradationLevel, DegradationStatus } from './device.js';
import type { SandboxReport } from './escape.js';
import type { EventDefinition } from './event-types.js';
import type { Guard, GuardLevel } from './guard.js';
import type { RouteDefinition } from './http.js';
import type { Idempotency } from './idempotency.js';
import type { Incident, Incidents } from './incident.js';
import type { Latencies, LatencyStatus } from './latency.js';
import type { Ledger, LedgerStatus } from './ledger.js';
import type { McpServers } from './mcp.js';
import type { OwnModels } from './models.js';
import type { Outgoing } from './outgoing.js';
import type { People } from './people.js';
import type { Retries } from './retries.js';
import type { EngineView, PromptRunner } from './sandbox.js';
import type { SocketDefinition } from './socket.js';
import type { StateStatus, States } from './state.js';
import type { Witness, WitnessStatus } from './witness.js';

export type { Config } from '../config/schema.js';

/** What is shed last comes first. */
export const priorities = ['critical', 'high', 'medium', 'low', 'optional'] as const;
export type Priority = (typeof priorities)[number];

export interface ModuleHealth {
  state: 'ok' | 'degraded' | 'failed' | 'stopped';
  /** Why it is not ok, in a sentence. */
  problem?: string;
  /** Facts that /status shows. */
  facts?: Record<string, unknown>;
}

/** Everything that /status shows. */
export interface SystemStatus {
  name: 'arkalia-luna';
  version: string;
  /** Whether requests are served. */
  ready: boolean;
  setup_mode: boolean;
  started_ms: number;
  uptime_ms: number;
  node: string;
  platform: string;
  level: DegradationLevel;
  shed: string[];
  /** Why the level is what it is, and what of each service is left. */
  degradation: DegradationStatus;
  modules: Record<string, ModuleHealth & { version: string; priority: Priority }>;
  engines: EngineView[];
  breakers: BreakerSnapshot[];
  queues: Record<string, QueueStatus>;
  rate: { requests: RateStatus; prompts: RateStatus };
  /** By route, and by engine. */
  latency: { http: Record<string, LatencyStatus>; engine: Record<string, LatencyStatus> };
  sandbox: SandboxReport;
  core: CoreIdentity & { offload: string; crossover: number | null; batch_max: number; threads: number };
  ledger: LedgerStatus;
  witness: WitnessStatus;
  guard: { mode: string; level: GuardLevel; rules: string[] };
  /** What nobody has closed yet, and what is being mended. */
  incidents: Incident[];
  /** What modules have learned, by version, and what of it was undone. */
  states: StateStatus[];
  recovering: { check: string; target: string; problem: string; tried: string[] }[];
  /** Threads and processes found stuck since the start; how often `serve --supervise` started the server anew, and why last. */
  watchdog: { stuck: number; restarts: number; restart_cause?: string };
}

/** What a module gets from the kernel, and all that it may touch. */
export interface ModuleContext {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  /** Random number in [0, 1). */
  readonly random: () => number;
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly witness: Witness;
  readonly guard: Guard;
  readonly admission: Admission;
  readonly rate: { requests: RateLimiter; prompts: RateLimiter };
  readonly idempotency: Idempotency;
  readonly breakers: Breakers;
  readonly scorer: DecisionScorer;
  readonly prompts: PromptRunner;
  readonly outgoing: Outgoing;
  readonly mcp: McpServers;
  readonly models: OwnModels;
  /** Second tries of prompts ask here first. */
  readonly retries: Retries;
  readonly degradation: Degradation;
  readonly metrics: Registry;
  readonly latency: Latencies;
  readonly incidents: Incidents;
  readonly states: States;
  readonly access: Access;
  readonly people: People;
  readonly version: string;
  /** Path of the Unix socket in the data folder through which its owner administers. */
  readonly controlSocket: string;
  /** Whether every module has started and none is stopping. */
  ready(): boolean;
  /** Random token of this run; stands in the Via header of what we send, so that a loop back to us is recognised. */
  readonly viaToken: string;
  status(): SystemStatus;
  /** Routes of every enabled module, complete once all are provisioned. */
  routes(): RouteDefinition[];
  /** WebSockets of every enabled module, as above. */
  sockets(): SocketDefinition[];
}

/**
 * A module of the appliance; a built-in one and a third party's look the same. The kernel calls, in order of the list:
 * `provision` on all, `validate` on all, `start` on all; at the end `stop` in reverse order. A module that was provisioned is
 * stopped even when a later step failed, so `stop` undoes whatever there is. A module that throws in `start` or in a handler of the bus is
 * stopped and started again; only one that is critical and does not start ends the start of all.
 */
export interface ArkaliaModule {
  readonly name: string;
  readonly version: string;
  readonly priority: Priority;
  /** Takes what it needs and allocates; opens nothing to the outside. */
  provision(context: ModuleContext): void | Promise<void>;
  /** Checks that it can work; throws with what to do when it cannot. */
  validate(): void | Promise<void>;
  start(): void | Promise<void>;
  stop(): void | Promise<void>;
  health(): ModuleHealth;
  /** The events that it records, each of a type `<module>.<type>`. Called before provision. */
  events?(): EventDefinition[];
  /** Called after provision. */
  routes?(): RouteDefinition[];
  /** Called after provision. */
  sockets?(): SocketDefinition[];
}

/** The default export of a module's index file. */
export type ModuleFactory = () => ArkaliaModule;
