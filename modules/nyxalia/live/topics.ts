import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import type { EscapeStatus } from '../../../runtime/contracts/escape.js';
import { type GuardLevel, guardFalseAlarms } from '../../../runtime/contracts/guard.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { Incidents } from './incidents.js';
import type { DecisionView, EngineState, TopicName, TopicSnapshot } from './messages.js';
import { Topic } from './topic.js';

/** Samples and decisions that are kept for clients that come back, and that a new one begins with: ten minutes of samples at the default interval. */
const samplesKept = 120;
const decisionsKept = 50;

const guardCosts = {
  low: costOf('low'),
  medium: costOf('medium'),
  high: costOf('high'),
  paranoid: costOf('paranoid'),
};

const fastLookMs = 500;
const lookMs = 1000;
const slowLookMs = 2000;

/** The topics of /ws, fed by the bus and, while somebody listens, by looking. */
export class LiveTopics {
  readonly all: ReadonlyMap<TopicName, Topic>;
  readonly #context: ModuleContext;
  readonly #samples: DeviceSample[] = [];
  readonly #decisions: DecisionView[] = [];
  readonly #incidents: Incidents;
  #level: { since_ms: number; reason: string | null };
  #unsubscribe: (() => void)[] = [];

  constructor(context: ModuleContext) {
    this.#context = context;
    this.#incidents = new Incidents(context);
    this.#level = { since_ms: context.clock.wallMs(), reason: null };
    const topics: [TopicName, Topic][] = [
      ['device', this.#events('device', samplesKept, () => this.#device())],
      ['decisions', this.#events('decisions', decisionsKept, () => ({ decisions: [...this.#decisions] }))],
      ['level', this.#events('level', 0, () => this.#levelNow())],
      ['engines', this.#state('engines', lookMs, () => this.#engines())],
      ['queue', this.#state('queue', fastLookMs, () => this.#queue())],
      ['ledger', this.#state('ledger', fastLookMs, () => this.#ledger())],
      ['incidents', this.#state('incidents', lookMs, () => ({ incidents: this.#incidents.now() }))],
      ['models', this.#state('models', fastLookMs, () => ({ work: context.models.works() }))],
      ['system', this.#state('system', slowLookMs, () => this.#system())],
    ];
    this.all = new Map(topics);
  }

  listen(): void {
    const { bus, clock } = this.#context;
    this.#unsubscribe = [
      bus.subscribe('device.sampled', (sample) => {
        keep(this.#samples, sample, samplesKept);
        this.all.get('device')?.publish(sample);
      }),
      bus.subscribe('decision.made', (made) => {
        const view = decisionView(made, clock.wallMs());
        keep(this.#decisions, view, decisionsKept);
        this.all.get('decisions')?.publish(view);
      }),
      bus.subscribe('level.changed', ({ reason }) => {
        this.#level = { since_ms: clock.wallMs(), reason };
        this.all.get('level')?.publish(this.#levelNow());
      }),
    ];
  }

  stop(): void {
    for (const end of this.#unsubscribe) end();
    this.#unsubscribe = [];
  }

  #events<T extends TopicName>(name: T, kept: number, snapshot: () => TopicSnapshot<T>): Topic {
    return new Topic({ name, kept, snapshot });
  }

  #state<T extends TopicName>(name: T, everyMs: number, snapshot: () => TopicSnapshot<T>): Topic {
    return new Topic({ name, kept: 0, snapshot, lookMs: everyMs });
  }

  #device(): TopicSnapshot<'device'> {
    return {
      interval_ms: this.#context.config.reflexia.interval_ms,
      // Forecasts of earlier samples are of no use to anybody, and half of the bytes.
      samples: this.#samples.map(({ forecasts: _, ...sample }) => sample),
      forecasts: this.#samples.at(-1)?.forecasts ?? {},
    };
  }

  #levelNow(): TopicSnapshot<'level'> {
    const { degradation } = this.#context;
    return { level: degradation.level(), shed: degradation.shed(), ...this.#level };
  }

  #engines(): TopicSnapshot<'engines'> {
    const { prompts, breakers, clock } = this.#context;
    const toWall = clock.wallMs() - clock.monotonicMs();
    const times = this.#context.status().latency.engine;
    const engines = prompts.engines().map((view): EngineState => {
      const breaker = breakers.find(view.name)?.snapshot();
      const { calls, failures, slow, openings, state, totals, last } = breaker ?? {};
      return {
        ...view,
        latency: times[view.name],
        ...(breaker === undefined
          ? {}
          : {
              breaker: {
                state: state!,
                calls: calls!,
                failures: failures!,
                slow: slow!,
                openings: openings!,
                totals: { ...totals! },
                // To the second, so that a countdown is not a change each time it is looked at.
                ...(breaker.retry_after_ms === undefined
                  ? {}
                  : { next_probe_ms: toSecond(clock.wallMs() + breaker.retry_after_ms) }),
                ...(last === undefined
                  ? {}
                  : { since_ms: toSecond(toWall + last.monotonic_ms), cause: last.cause }),
              },
            }),
      };
    });
    return { engines };
  }

  #queue(): TopicSnapshot<'queue'> {
    const queues = Object.entries(this.#context.admission.status());
    return {
      engines: Object.fromEntries(
        queues.map(([name, { slots, busy, waiting, waitingMax }]) => [
          name,
          { slots, busy, waiting, waitingMax },
        ]),
      ),
    };
  }

  #ledger(): TopicSnapshot<'ledger'> {
    const { state, size, minimum_index, pending, commits, bytes, limit_bytes, problem } =
      this.#context.ledger.status();
    return {
      state,
      size,
      minimum_index,
      pending,
      commits,
      bytes,
      limit_bytes,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  #system(): TopicSnapshot<'system'> {
    const { config } = this.#context;
    const { version, node, platform, started_ms, ready, guard, core, sandbox, modules, states } =
      this.#context.status();
    const { level, holds, lacks, spawned, recycled, killed } = sandbox;
    return {
      version,
      node,
      platform,
      started_ms,
      ready,
      tls: config.http.tls_cert_file !== undefined,
      guard: { ...guard, false_alarms: guardCosts },
      core: { core_sha256: core.core_sha256, weights_version: core.weights_version },
      sandbox: {
        level,
        holds,
        lacks,
        spawned,
        recycled,
        killed: { ...killed },
        escape: escapeView(sandbox.escape),
      },
      modules: Object.fromEntries(
        Object.entries(modules).map(([name, { version: of, priority, state, problem }]) => [
          name,
          { version: of, priority, state, ...(problem === undefined ? {} : { problem }) },
        ]),
      ),
      states: states.map(({ name, version: of, since_ms, on_probation, undone }) => ({
        ...{ name, version: of, since_ms, on_probation },
        undone: undone.map((one) => ({ ...one })),
      })),
      routes: this.#context.routes().map(({ method, path }) => `${method} ${path}`),
    };
  }
}

function costOf(level: GuardLevel): { prompt: number; document: number } {
  return { prompt: guardFalseAlarms.prompt[level], document: guardFalseAlarms.document[level] };
}

function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

function escapeView({ state, at_ms, attempts }: EscapeStatus): TopicSnapshot<'system'>['sandbox']['escape'] {
  return {
    state,
    ...(at_ms === undefined ? {} : { at_ms }),
    attempts: attempts.map((attempt) => ({ ...attempt })),
  };
}

function toSecond(ms: number): number {
  return Math.round(ms / 1000) * 1000;
}

function decisionView({ id, stream, index, input, score }: DecisionMade, wallMs: number): DecisionView {
  return {
    id,
    stream,
    at_ms: wallMs,
    index,
    decision: score.decision,
    confidence: score.confidence,
    factors: score.factors.map((factor) => ({ ...factor })),
    reasons: [...score.reasons],
    cpu: input.cpu,
    ram: input.ram,
    severity: input.severity,
  };
}
