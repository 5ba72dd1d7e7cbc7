import { z } from 'zod';
import { decisions, factorNames, severities } from '../../../runtime/contracts/decision.js';
import { forecastFigures, levels, powerSources } from '../../../runtime/contracts/device.js';
import { guardLevels } from '../../../runtime/contracts/guard.js';
import { scopes } from '../../../runtime/contracts/http.js';

const count = z.number().int().min(0);
const breakerState = z.enum(['closed', 'open', 'half_open', 'forced_open', 'disabled', 'metrics_only']);

/** As in GET /reflexia/status. */
const forecasts = z.partialRecord(
  z.enum(forecastFigures),
  z.object({
    state: z.enum(['learning', 'good', 'muted']),
    horizon_ms: z.number(),
    value: z.number(),
    limit: z.number(),
    crosses_in_ms: z.number().nullable(),
    mase: z.number().nullable(),
    judged: count,
  }),
);

/** What the page draws; the other figures of GET /reflexia/status come along. */
const sample = z.looseObject({
  wall_ms: z.number(),
  monotonic_ms: z.number(),
  cpu: z.number().optional(),
  ram: z.number().optional(),
  disk: z.number().optional(),
  temperature_c: z.number().optional(),
  throttled: z.boolean().optional(),
  event_loop_delay_ms: z.number().optional(),
  load_1m: z.number().optional(),
  process_rss_bytes: z.number().optional(),
  forecasts: forecasts.optional(),
  power: z
    .object({
      watts: z.number(),
      source: z.enum(powerSources),
      estimated: z.boolean(),
      instead_of: z.string().optional(),
    })
    .optional(),
  energy: z
    .object({
      joules: z.number(),
      prompt_joules: z.number(),
      prompts: count,
      tokens: count,
      joules_per_request: z.number().optional(),
      joules_per_token: z.number().optional(),
    })
    .optional(),
  absent: z.array(z.string()),
});

const decision = z.object({
  id: z.string(),
  stream: z.string(),
  at_ms: z.number().describe('Wall time'),
  index: count.nullable().describe('Of its event; null for a repetition that is only counted'),
  decision: z.enum(decisions),
  confidence: z.number(),
  factors: z.array(
    z.object({ name: z.enum(factorNames), score: z.number(), weight: z.number(), share: z.number() }),
  ),
  reasons: z.array(z.string()),
  cpu: z.number(),
  ram: z.number(),
  severity: z.enum(severities),
});

const latency = z.object({
  count,
  max_ms: z.number(),
  p50_ms: z.number().optional(),
  p90_ms: z.number().optional(),
  p99_ms: z.number().optional(),
  p999_ms: z.number().optional(),
});

const engine = z.object({
  name: z.string(),
  state: z.enum(['found', 'absent', 'off']),
  where: z.string().optional(),
  models: z.array(z.string()),
  defaultModel: z.string().optional(),
  problem: z.string().optional(),
  latency: latency.optional().describe('Of its calls in the last one to two minutes'),
  breaker: z
    .object({
      state: breakerState,
      calls: count,
      failures: count,
      slow: count,
      openings: count,
      next_probe_ms: z.number().optional().describe('Wall time of the next probe, while open'),
      since_ms: z.number().optional().describe('Wall time of the last transition'),
      cause: z.string().optional(),
      totals: z.record(z.string(), count),
    })
    .optional(),
});

/** What each topic says; a snapshot and an event of a topic that holds a state have the same form. */
export const topicData = {
  device: {
    about: 'Samples of the device, as they are taken',
    snapshot: z.object({ interval_ms: z.number(), samples: z.array(sample), forecasts }),
    event: sample,
  },
  decisions: {
    about: "The device's own decisions, as they are made",
    snapshot: z.object({ decisions: z.array(decision) }),
    event: decision,
  },
  level: {
    about: 'The degradation level in force and what is shed',
    state: z.object({
      level: z.enum(levels),
      shed: z.array(z.string()),
      since_ms: z.number(),
      reason: z.string().nullable(),
    }),
  },
  engines: {
    about: 'Engines, their breakers and latencies; looked at every second',
    state: z.object({ engines: z.array(engine) }),
  },
  queue: {
    about: 'Slots and queues of the engines; looked at twice a second',
    state: z.object({
      engines: z.record(
        z.string(),
        z.object({ slots: count, busy: count, waiting: count, waitingMax: count }),
      ),
    }),
  },
  ledger: {
    about: 'The head of the ledger; looked at twice a second',
    state: z.object({
      state: z.enum(['open', 'unavailable', 'failed', 'closed']),
      size: count,
      minimum_index: count,
      pending: count,
      commits: count,
      bytes: count,
      limit_bytes: count,
      problem: z.string().optional(),
    }),
  },
  incidents: {
    about: 'What is not well now; looked at every second',
    state: z.object({
      incidents: z.array(
        z.object({
          id: z.string(),
          source: z
            .enum(['module', 'ledger', 'breaker', 'level', 'kept'])
            .describe('`kept`: of GET /incidents; stays until a person closes it'),
          level: z.enum(['warning', 'critical']),
          name: z.string(),
          problem: z.string(),
          since_ms: z.number(),
          over: z.boolean().optional().describe('Of one that is kept: whether its cause is gone'),
          acknowledged: z.boolean().optional().describe('Of one that is kept: whether somebody took it on'),
        }),
      ),
    }),
  },
  models: {
    about: 'What is being done with model files, for administrators; looked at twice a second',
    state: z.object({
      work: z.array(
        z.object({
          name: z.string(),
          act: z.enum(['add', 'pull', 'verify']),
          state: z.enum(['receiving', 'reading', 'done', 'failed']),
          bytes: count,
          of: count.nullable(),
          problem: z.string().optional(),
        }),
      ),
    }),
  },
  system: {
    about:
      'Versions, modules, what was learned and chosen, sandbox and hot core; looked at every two seconds',
    state: z.object({
      version: z.string(),
      node: z.string(),
      platform: z.string(),
      started_ms: z.number(),
      ready: z.boolean(),
      tls: z.boolean(),
      guard: z.object({
        mode: z.string(),
        level: z.enum(guardLevels),
        rules: z.array(z.string()),
        false_alarms: z
          .record(z.enum(guardLevels), z.object({ prompt: z.number(), document: z.number() }))
          .describe('What each level costs: the share of harmless texts that it is calibrated to refuse'),
      }),
      core: z.object({ core_sha256: z.string(), weights_version: z.string() }),
      sandbox: z.object({
        level: z.string(),
        holds: z.array(z.string()),
        lacks: z.array(z.string()),
        spawned: count,
        recycled: count,
        killed: z.record(z.string(), count),
        escape: z.object({
          state: z.enum(['off', 'running', 'done', 'failed']),
          at_ms: z.number().optional(),
          attempts: z.array(
            z.object({
              attempt: z.string(),
              outcome: z.enum(['stopped', 'open', 'not_tried']),
              how: z.string(),
            }),
          ),
        }),
      }),
      modules: z.record(
        z.string(),
        z.object({
          version: z.string(),
          priority: z.string(),
          state: z.enum(['ok', 'degraded', 'failed', 'stopped']),
          problem: z.string().optional(),
        }),
      ),
      states: z
        .array(
          z.object({
            name: z.string(),
            version: z.string(),
            since_ms: z.number(),
            on_probation: count,
            undone: z.array(
              z.object({ version: z.string(), back_to: z.string(), why: z.string(), at_ms: z.number() }),
            ),
          }),
        )
        .describe('Versions of what was learned and chosen, as in GET /status'),
      routes: z.array(z.string()).describe('What this appliance can do: each route as `POST /chat`'),
    }),
  },
} as const;

export type TopicName = keyof typeof topicData;
export const topicNames = Object.keys(topicData) as TopicName[];

type Said = typeof topicData;
/** What a snapshot of the topic holds. */
export type TopicSnapshot<T extends TopicName> = Said[T] extends { snapshot: z.ZodType }
  ? z.infer<Said[T]['snapshot']>
  : Said[T] extends { state: z.ZodType }
    ? z.infer<Said[T]['state']>
    : never;
/** What an event of the topic holds. */
export type TopicEvent<T extends TopicName> = Said[T] extends { event: z.ZodType }
  ? z.infer<Said[T]['event']>
  : TopicSnapshot<T>;

export type DecisionView = z.infer<typeof decision>;
export type EngineState = z.infer<typeof engine>;

const place = {
  topic: z.enum(topicNames),
  id: count.describe('Position in the topic; give it back as `after` to resume'),
};

/** What a client may say. */
export const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    topic: z.enum(topicNames),
    boot: z.string().max(64).optional().describe('Of the hello in which `after` was valid'),
    after: count
      .optional()
      .describe('The last position that was seen: only what came since is sent, if it is kept'),
  }),
  z.strictObject({ type: z.literal('unsubscribe'), topic: z.enum(topicNames) }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

/** What the appliance says; `data` has the form of its topic. */
export const serverMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    boot: z.string().describe('Positions hold within one run of the server'),
    version: z.string(),
    role: z.enum(['none', 'user', 'operator', 'admin']),
    scopes: z.array(z.enum(scopes)).describe('What the caller may do'),
    beat_ms: z.number().describe('Longest silence; after twice that the line is dead'),
    now_ms: z.number().describe('Wall time of the appliance'),
  }),
  z.object({ type: z.literal('beat'), now_ms: z.number() }),
  z.object({ type: z.literal('snapshot'), ...place, data: z.unknown() }),
  z.object({ type: z.literal('event'), ...place, data: z.unknown() }),
  z.object({
    type: z.literal('summary'),
    ...place,
    missed: count.describe('Events that were left out because this client read too slowly'),
    data: z.unknown().describe('A snapshot'),
  }),
  z.object({ type: z.literal('error'), code: z.string(), detail: z.string() }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;
