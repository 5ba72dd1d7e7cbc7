import { z } from 'zod';
import { escapeAttempts, sandboxLevels } from '../../sandbox/types.js';
import { keyRoles } from './access.js';
import type { BreakerState } from './breaker.js';
import { decisions, factorNames, severities } from './decision.js';
import { forecastFigures, levels } from './device.js';
import { guardActions } from './guard.js';
import { scopes } from './http.js';
import { errorClasses } from './incident.js';
import type { JsonObject } from './json.js';
import { ledgerTroubles } from './ledger-trouble.js';
import { loginModes } from './people.js';
import { recoveryStrategies } from './recovery.js';

/** What is known of one type of event: how its data looks now, and how older data becomes that. */
export interface EventDefinition {
  type: string;
  /** Of the data, from 1. It stands in each event as `v`. Raise it with every change that a reader could stumble over. */
  version: number;
  /** What it records, in a sentence. */
  about: string;
  /** Shape of the data in this version. Strict, so that nothing undeclared gets into the log. */
  data: z.ZodType;
  /** Entry n takes data of version n + 1 to version n + 2; one for each earlier version. Applied at reading: what is recorded stays as it is. */
  upcasts?: readonly ((data: JsonObject) => JsonObject)[];
  /**
   * `append` (unless said): each event is checked before it is recorded, some microseconds. `tests`: for a hot path, whose maker's tests
   * hold its data to the schema.
   */
  checked?: 'append' | 'tests';
}

const breakerStates = [
  'closed',
  'open',
  'half_open',
  'forced_open',
  'disabled',
  'metrics_only',
] as const satisfies readonly BreakerState[];

const text = z.string();
const count = z.number().int().min(0);
const ms = z.number().min(0);
const ratio = z.number().min(0).max(1);
const names = z.array(text);
const json = z.record(text, z.json());
const thresholds = z.strictObject({ monitor: z.number(), reduce: z.number() });
const skipped = z.array(z.strictObject({ engine: text, cause: text }));
const engineCalls = { breaker: text, calls: count, interval_ms: ms };

const decisionInput = z.strictObject({
  context_relevance: ratio.optional(),
  cpu: z.number(),
  disk: z.number().optional(),
  error_rate: ratio.optional(),
  history_pressure: ratio.optional(),
  latency_ms: ms.optional(),
  previous_age_ms: ms.optional(),
  previous_decision: z.enum(decisions).optional(),
  ram: z.number(),
  severity: z.enum(severities),
  temperature_c: z.number().optional(),
});

const transition = z.strictObject({
  breaker: text,
  number: count,
  from: z.enum(breakerStates),
  to: z.enum(breakerStates),
  cause: text,
  monotonic_ms: z.number(),
  calls: count,
  failures: count,
  slow: count,
  open_step: count,
  open_ms: ms.optional(),
  by: text.optional(),
  missed: count.optional(),
});

const recovery = {
  /** What is to be restored, such as the name of an engine. */
  target: text,
  strategy: z.enum(recoveryStrategies),
};

type Kernel = Record<string, Omit<EventDefinition, 'type'>>;

const definitions = {
  system_started: {
    version: 1,
    about: 'The server starts.',
    data: z.strictObject({ version: text, node: text, platform: text, arch: text, core_sha256: text }),
  },
  system_stopped: { version: 1, about: 'The server stops.', data: z.strictObject({ reason: text }) },
  system_error: {
    version: 1,
    about: 'An error that nobody caught; the server then stops.',
    data: z.strictObject({ name: text }),
  },
  system_restarted: {
    version: 1,
    about: 'The server was started again by `serve --supervise` after it had ended or was stuck.',
    data: z.strictObject({ cause: text, restarts: count }),
  },
  configuration_changed: {
    version: 1,
    about: 'The server started with another configuration than before; it is on probation.',
    data: z.strictObject({ version: text, before: text }),
  },
  configuration_rolled_back: {
    version: 1,
    about: 'The configuration that was given is not in force: it does not start, or made health worse.',
    data: z.strictObject({ version: text.nullable(), back_to: text, why: text }),
  },
  state_rolled_back: {
    version: 1,
    about:
      'What a module had learned made health worse during its probation; the last good version is in force.',
    data: z.strictObject({ state: text, version: text, back_to: text, why: text }),
  },
  watchdog_stuck: {
    version: 1,
    about: 'A thread or a sandboxed process gave no sign of life for too long. A sandbox was killed for it.',
    data: z.strictObject({ part: text, silent_ms: ms }),
  },
  decision_made: {
    version: 1,
    about: "A decision, posted or the device's own (stream `device`).",
    checked: 'tests',
    data: z.strictObject({
      absent: z.array(z.enum(factorNames)),
      confidence: ratio,
      core_sha256: text,
      decision: z.enum(decisions),
      factors: z.partialRecord(z.enum(factorNames), z.tuple([z.number(), z.number()])),
      id: text,
      input: decisionInput,
      parameters: z.array(z.json()).optional(),
      pressure: ratio,
      reasons: names,
      repeated: count.optional(),
      weights_version: text,
    }),
  },
  confidence_update: {
    version: 1,
    about: "The mean confidence of the device's own decisions has moved.",
    data: z.strictObject({ decisions: count, old: ratio, new: ratio }),
  },
  threshold_adjusted: {
    version: 1,
    about:
      "A threshold of the device's own stream moved with its history, or went back because that made health worse.",
    data: z.strictObject({
      figure: text,
      base: thresholds,
      old: thresholds,
      new: thresholds,
      why: text,
      mean: z.number().optional(),
    }),
  },
  forecast_alarmed: {
    version: 1,
    about: 'A limit of the device is expected to be reached soon; the load is lowered ahead of it.',
    data: z.strictObject({
      figure: z.enum(forecastFigures),
      now: z.number(),
      value: z.number(),
      limit: z.number(),
      crosses_in_ms: ms,
      horizon_ms: ms,
      mase: z.number().min(0),
      level: z.enum(levels),
    }),
  },
  forecast_judged: {
    version: 1,
    about: 'A forecaster was muted because it had been wrong, or counts again.',
    data: z.strictObject({
      figure: z.enum(forecastFigures),
      state: z.enum(['good', 'muted']),
      mase: z.number().min(0),
    }),
  },
  chat_answered: {
    version: 2,
    about: 'A prompt was answered.',
    upcasts: [(data: JsonObject) => data],
    data: z.strictObject({
      engine: text,
      model: text,
      finish_reason: z.enum(['stop', 'length', 'tool_calls', 'content_filter']),
      tool_calls: count.optional(),
      took_ms: ms,
      first_text_ms: ms.optional(),
      prompt_chars: count,
      answer_chars: count,
      left_out: count.optional(),
      flagged: names,
      cut: names,
      skipped,
      usage: z.strictObject({ prompt_tokens: z.number(), completion_tokens: z.number() }).optional(),
    }),
  },
  mcp_server_changed: {
    version: 1,
    about: 'A configured MCP server was started in its sandbox, or its process ended: why.',
    data: z.strictObject({ server: text, change: z.enum(['started', 'ended']), why: text }),
  },
  tool_ran: {
    version: 1,
    about: 'A tool of the appliance was run for a model; `withheld`: the guard kept its output from it.',
    data: z.strictObject({
      tool: text,
      outcome: text,
      took_ms: ms,
      calls: count,
      output_chars: count,
      flagged: names,
      withheld: z.boolean(),
    }),
  },
  texts_embedded: {
    version: 1,
    about: 'Vectors of texts were given; the texts are not kept.',
    data: z.strictObject({
      engine: text,
      model: text,
      texts: count,
      chars: count,
      dimensions: count,
      took_ms: ms,
      flagged: names,
      skipped,
      usage: z.strictObject({ prompt_tokens: z.number(), completion_tokens: z.number() }).optional(),
    }),
  },
  request_started: {
    version: 1,
    about:
      'A request with an Idempotency-Key begins. One that has no other event in its stream was interrupted.',
    data: z.strictObject({ route: text, again: z.boolean() }),
  },
  request_answered: {
    version: 1,
    about:
      'A request with an Idempotency-Key that changes the device was answered; what it did has an event of its own before.',
    data: z.strictObject({ route: text, status: count }),
  },
  chat_failed: {
    version: 1,
    about: 'A prompt failed.',
    data: z.strictObject({ code: text, cause: text, skipped }),
  },
  session_named: {
    version: 1,
    about: 'A person gave a conversation a title; session and title are texts.',
    data: z.strictObject({ chars: count }),
  },
  prompt_refused: {
    version: 3,
    about: 'The guard refused a prompt.',
    upcasts: [(data: JsonObject) => data, (data: JsonObject) => data],
    data: z.strictObject({
      ...{ rules: names, chars: count },
      // Not recorded before version 2.
      ...{ mode: text.optional(), level: text.optional(), score: ratio.optional() },
      ...{ threshold: ratio.optional(), model: text.optional() },
      // Since version 3, where a second opinion was asked.
      second: z
        .union([
          z.strictObject({ probability: ratio, threshold: ratio, model: text }),
          z.strictObject({ failed: text, model: text }),
        ])
        .optional(),
    }),
  },
  guard_feedback: {
    version: 1,
    about: 'Someone says that a verdict of the guard was wrong.',
    data: z.strictObject({
      kind: z.enum(['false_alarm', 'missed']),
      verdict: z.enum(['allow', 'flag', 'refuse']),
      ...{ rules: names, mode: text, level: text, score: ratio, threshold: ratio, model: text, chars: count },
      about: count.optional(),
    }),
  },
  guard_row_judged: {
    version: 1,
    about: 'An administrator accepted a report about the guard as a row for training, or rejected it.',
    data: z.strictObject({ index: count, accepted: z.boolean(), by: text.optional() }),
  },
  guard_relaxed: {
    version: 1,
    about: 'At the start: what the configuration does not let the guard enforce.',
    data: z.strictObject({
      mode: z.enum(guardActions),
      routes: z.record(text, z.enum(guardActions)),
      keys: z.record(text, z.enum(guardActions)),
    }),
  },
  circuit_success: {
    version: 1,
    about: 'Calls of an engine that succeeded since the last such event.',
    data: z.strictObject({ ...engineCalls, slow: count }),
  },
  circuit_failure: {
    version: 1,
    about: 'Calls of an engine that failed since the last such event.',
    data: z.strictObject(engineCalls),
  },
  call_blocked: {
    version: 1,
    about: 'Calls that the breaker of an engine refused since the last such event.',
    data: z.strictObject({ ...engineCalls, state: z.enum(breakerStates) }),
  },
  circuit_opened: { version: 1, about: 'A breaker opened.', data: transition },
  circuit_half_opened: { version: 1, about: 'A breaker lets probes through.', data: transition },
  circuit_closed: { version: 1, about: 'A breaker closed.', data: transition },
  state_change: { version: 1, about: "An operator forced a breaker's state.", data: transition },
  manual_reset: { version: 1, about: 'An operator reset a breaker.', data: transition },
  recovery_attempted: {
    version: 1,
    about: 'Something that failed is tried again: an engine whose breaker lets probes through, or a fixup.',
    data: z.strictObject(recovery),
  },
  recovery_succeeded: {
    version: 1,
    about: 'What was tried again works: the probes succeeded, or the check finds nothing any more.',
    data: z.strictObject(recovery),
  },
  recovery_failed: {
    version: 1,
    about: 'What was tried again does not work yet.',
    data: z.strictObject({ ...recovery, cause: text }),
  },
  incident_opened: {
    version: 1,
    about: 'Something could not be mended: it needs a person.',
    data: z.strictObject({
      id: text,
      check: text,
      target: text,
      class: z.enum(errorClasses),
      tried: z.array(z.enum(recoveryStrategies)),
    }),
  },
  incident_acknowledged: {
    version: 1,
    about: 'A person took an incident on.',
    data: z.strictObject({ id: text, check: text, target: text, by: text }),
  },
  incident_closed: {
    version: 1,
    about: 'A person closed an incident.',
    data: z.strictObject({ id: text, check: text, target: text, by: text }),
  },
  degradation_changed: {
    version: 1,
    about: 'The degradation level changed.',
    data: z.strictObject({ from: z.enum(levels), to: z.enum(levels), reason: text, shed: names }),
  },
  module_quarantined: {
    version: 1,
    about: 'The account of a module does not agree, and is not acted on for a time.',
    data: z.strictObject({ module: text, check: text, fault: text, duration_ms: ms }),
  },
  module_released: {
    version: 1,
    about:
      'Its account agrees again, or nobody checks it any more; `retries`: how often its time was prolonged.',
    data: z.strictObject({ module: text, held_ms: ms, retries: count }),
  },
  contradiction_detected: {
    version: 1,
    about: 'Two accounts of the same thing disagree.',
    data: z.strictObject({
      check: text,
      fault: text,
      level: z.enum(['info', 'warning', 'critical']),
      evidence: json,
    }),
  },
  snapshot_taken: {
    version: 1,
    about: 'How all accounts stood: device, level, breakers, checks.',
    data: z.strictObject({
      breakers: z.record(text, z.enum(breakerStates)),
      checks: z.record(text, z.enum(['ok', 'info', 'warning', 'critical']).nullable()),
      device: z.strictObject({
        cpu: z.number().optional(),
        ram: z.number().optional(),
        disk: z.number().optional(),
        temperature_c: z.number().optional(),
      }),
      energy: z
        .strictObject({
          joules: z.number().min(0),
          prompt_joules: z.number().min(0),
          prompts: count,
          tokens: count,
        })
        .optional(),
      ledger_size: count,
      level: z.enum(levels),
      shed: names,
    }),
  },
  ledger_recovered: {
    version: 1,
    about: 'The disk refused for a time and takes events again.',
    data: z.strictObject({ trouble: z.enum(ledgerTroubles), down_ms: count, refused: count }),
  },
  model_added: {
    version: 1,
    about:
      'A model file was taken in, or one that was put into the folder by hand was pinned: what it hashes to.',
    data: z.strictObject({
      name: text,
      sha256: text,
      bytes: count,
      source: z.enum(['upload', 'url', 'folder']),
      by: text,
    }),
  },
  model_verified: {
    version: 1,
    about: 'A model file was hashed again: whether it is what was added.',
    data: z.strictObject({ name: text, sha256: text, holds: z.boolean(), by: text }),
  },
  model_removed: {
    version: 1,
    about: 'A model file was removed.',
    data: z.strictObject({ name: text, sha256: text.nullable(), by: text }),
  },
  model_chosen: {
    version: 1,
    about: 'A model was made the one that is loaded.',
    data: z.strictObject({ name: text, by: text }),
  },
  key_created: {
    version: 2,
    about: 'A key was made, narrowed by this; of models how many.',
    upcasts: [(data: JsonObject) => data],
    data: z.strictObject({
      ...{ id: text, role: z.enum(keyRoles), scopes: z.array(z.enum(scopes)).optional() },
      ...{ requests_per_minute: count.optional(), tokens_per_day: count.optional() },
      ...{ models: count.optional(), expires_ms: ms.optional(), by: text.optional() },
    }),
  },
  key_revoked: {
    version: 2,
    about: 'A key was revoked.',
    upcasts: [(data: JsonObject) => data],
    data: z.strictObject({ id: text, by: text.optional() }),
  },
  setup_code_renewed: {
    version: 1,
    about: 'An administrator had a new setup code made.',
    data: z.strictObject({ by: text }),
  },
  user_added: {
    version: 1,
    about: 'Somebody may sign in with a password.',
    data: z.strictObject({ role: z.enum(keyRoles), by: text }),
  },
  password_changed: {
    version: 1,
    about: 'A user has another password, by an administrator or of their own.',
    data: z.strictObject({ by: text }),
  },
  user_removed: {
    version: 1,
    about: 'A user may no longer sign in.',
    data: z.strictObject({ by: text }),
  },
  login_opened: {
    version: 1,
    about: 'Somebody signed in, in a browser.',
    data: z.strictObject({ id: text, mode: z.enum(loginModes) }),
  },
  login_ended: {
    version: 1,
    about: 'A login was ended, by itself or by an administrator, also with the password or the user.',
    data: z.strictObject({ id: text, by: text }),
  },
  setup_completed: {
    version: 1,
    about: 'The setup code was exchanged for the first key.',
    data: z.strictObject({ key_id: text }),
  },
  escape_attempted: {
    version: 1,
    about: 'The escape probe tried one way out of a worker: `stopped`, `open` (and undone) or `not_tried`.',
    data: z.strictObject({
      level: z.enum(sandboxLevels),
      attempt: z.enum(escapeAttempts),
      outcome: z.enum(['stopped', 'open', 'not_tried']),
      how: text,
    }),
  },
  log_pruned: {
    version: 1,
    about:
      'The oldest entries were removed to keep the log within its size or its age: it begins at the minimum index now.',
    data: z.strictObject({ minimum_index: count, was: count, used_bytes: count, limit_bytes: count }),
  },
  erased: {
    version: 1,
    about:
      'Texts were erased, in other files of the data folder too: by what, not whose; `actor` had it done.',
    data: z.strictObject({
      by: z.enum(['session', 'key', 'before', 'ids']),
      actor: text.optional(),
      events: count,
      texts: count,
      indexes: z.array(count),
      files: count,
      unreadable: count,
    }),
  },
  texts_read: {
    version: 1,
    about: 'An administrator read the texts beside an event.',
    data: z.strictObject({ index: count, by: text }),
  },
  epoch_started: {
    version: 1,
    about: 'This log follows another: its first event holds the last checkpoint of that one.',
    data: z.strictObject({
      reason: text,
      previous_origin: text,
      previous_size: count,
      previous_checkpoint: text,
      previous_verifier_key: text,
      set_aside: text.optional(),
    }),
  },
} as const satisfies Kernel;

/** Types that the kernel and the built-in modules record. */
export type BuiltInEventType = keyof typeof definitions;

/** Their definitions. */
export const builtInEvents: readonly EventDefinition[] = Object.entries(definitions).map(
  ([type, definition]) => ({ type, ...definition }),
);
