/** What scoring needs of a module; an old module that has these can be replayed. */
const scoreConstantNames = [
  'PARAMETERS',
  'PARAMETERS_OWN',
  'PARAMETERS_BYTES',
  'PARAM_WEIGHTS',
  'PARAM_SEVERITY_PRESSURE',
  'PARAM_CPU_MONITOR',
  'PARAM_CPU_REDUCE',
  'PARAM_RAM_MONITOR',
  'PARAM_RAM_REDUCE',
  'PARAM_TEMPERATURE_MONITOR',
  'PARAM_TEMPERATURE_REDUCE',
  'PARAM_TEMPERATURE_EMERGENCY',
  'PARAM_DISK_MONITOR',
  'PARAM_DISK_REDUCE',
  'PARAM_ERROR_RATE_MONITOR',
  'PARAM_ERROR_RATE_REDUCE',
  'PARAM_LATENCY_MONITOR',
  'PARAM_LATENCY_REDUCE',
  'PARAM_TEMPERATURE_FLOOR',
  'PARAM_TEMPERATURE_SPAN',
  'PARAM_LATENCY_SCALE',
  'PARAM_HYSTERESIS',
  'PARAM_COOLDOWN',
  'SLAB',
  'SLAB_RECORDS',
  'RECORD_BYTES',
  'RECORD_OWN',
  'RECORD_PRESENT',
  'RECORD_SEVERITY',
  'RECORD_PREVIOUS',
  'RECORD_CPU',
  'RECORD_RAM',
  'RECORD_TEMPERATURE',
  'RECORD_DISK',
  'RECORD_ERROR_RATE',
  'RECORD_LATENCY',
  'RECORD_CONTEXT',
  'RECORD_HISTORY',
  'RECORD_PREVIOUS_AGE',
  'RECORD_CONFIDENCE',
  'RECORD_PRESSURE',
  'RECORD_DECISION',
  'RECORD_REASONS',
  'RECORD_ABSENT',
  'RECORD_SCORES',
  'RECORD_WEIGHTS',
  'RECORD_SHARES',
  'PRESENT_TEMPERATURE',
  'PRESENT_DISK',
  'PRESENT_ERROR_RATE',
  'PRESENT_LATENCY',
  'PRESENT_CONTEXT',
  'PRESENT_HISTORY',
  'PRESENT_PREVIOUS',
  'RULE_SEVERITY_CRITICAL',
  'RULE_TEMPERATURE_EMERGENCY',
  'RULE_CPU_REDUCE',
  'RULE_RAM_REDUCE',
  'RULE_TEMPERATURE_REDUCE',
  'RULE_DISK_REDUCE',
  'RULE_ERROR_RATE_REDUCE',
  'RULE_LATENCY_REDUCE',
  'RULE_SEVERITY_HIGH',
  'RULE_CPU_MONITOR',
  'RULE_RAM_MONITOR',
  'RULE_TEMPERATURE_MONITOR',
  'RULE_DISK_MONITOR',
  'RULE_ERROR_RATE_MONITOR',
  'RULE_LATENCY_MONITOR',
  'RULE_HELD_BY_COOLDOWN',
  'RULE_HELD',
  'FAULT_RANGE',
  'FAULT_INPUT',
  'FAULT_RESULT',
] as const;

const constantNames = [
  ...scoreConstantNames,
  'LAYOUT_VERSION',
  'MEMORY_PAGES',
  'HEADER_VERSION',
  'HEADER_SHA256',
  'SLOTS',
  'SLOT_COUNT',
  'SLOT_BYTES',
  'SLOT_RING',
  'SLOT_LOG_ENTRIES',
  'WINDOW_CALLS_MAX',
  'BUCKETS_MAX',
  'BUCKET_MS_MIN',
  'BUCKET_CALLS_MAX',
  'PERMITS_MAX',
  'SUCCESSES_MAX',
  'PERMIT_MAX',
  'TRANSITION_MAX',
  'STEP_MAX',
  'TIME_MAX_MS',
  'COUNTER_SUCCESSES',
  'COUNTER_FAILURES',
  'COUNTER_IGNORED',
  'COUNTER_SLOW',
  'COUNTER_LATE',
  'COUNTER_REFUSED',
  'COUNTER_OPENINGS',
  'STATE_NONE',
  'STATE_CLOSED',
  'STATE_OPEN',
  'STATE_HALF_OPEN',
  'STATE_FORCED_OPEN',
  'STATE_DISABLED',
  'STATE_METRICS_ONLY',
  'CAUSE_FAILURE_RATE',
  'CAUSE_SLOW_RATE',
  'CAUSE_OPEN_TIME_OVER',
  'CAUSE_PROBE_FAILED',
  'CAUSE_PROBE_SLOW',
  'CAUSE_PROBE_LOST',
  'CAUSE_PROBES_SUCCEEDED',
  'CAUSE_FORCED',
  'CAUSE_RESET',
  'OUTCOME_SUCCESS',
  'OUTCOME_FAILURE',
  'OUTCOME_IGNORED',
  'RECORD_WAS_LATE',
  'RECORD_COUNTED',
  'RECORD_MOVED',
  'WINDOW_CALLS',
  'WINDOW_FAILURES',
  'WINDOW_SLOW',
  'FAULT_STATE',
  'FAULT_CONTENTION',
  'LIMITERS_HASH_KEY',
  'LIMITER_FIRST',
  'LIMITER_COUNT',
  'LIMITER_BYTES',
  'LIMITER_READY',
  'LIMITER_SETS',
  'LIMITER_SET_COUNT',
  'LIMITER_SET_BYTES',
  'LIMITER_WAYS',
  'SET_KEYS',
  'LIMITER_TOKENS_MAX',
  'LIMITER_INTERVAL_MS_MAX',
  'LIMITER_BURST_MAX',
  'LIMITER_REFUSED',
  'LIMITER_EVICTED',
  'LIMITER_EVICTED_IN_DEBT',
  'SKETCH_FIRST',
  'SKETCH_COUNT',
  'SKETCH_BYTES',
  'SKETCH_READY',
  'SKETCH_BUCKETS',
  'SKETCH_BUCKET_COUNT',
  'SKETCH_PARTS',
  'SKETCH_EXPONENT_MIN',
  'LIMIT_FIRST',
  'LIMIT_COUNT',
  'LIMIT_BYTES',
  'LIMIT_READY',
  'LIMIT_MOST',
  'LIMIT_MAX',
  'LIMIT_QUEUE_MAX',
  'LIMIT_WINDOW_MAX',
  'FAULT_TIME',
  'FAULT_DURATION',
  'FAULT_PERMIT',
  'CLASSIFIER_FEATURES',
  'CLASSIFIER_STATE',
  'CLASSIFIER_HEAD_BITS',
  'CLASSIFIER_SHA256',
  'CLASSIFIER_SCALES',
  'CLASSIFIER_BIASES',
  'CLASSIFIER_WEIGHTS',
  'CLASSIFIER_HEADS',
  'CLASSIFIER_BITS_MIN',
  'CLASSIFIER_BITS_MAX',
  'WORKSPACE_FIRST',
  'WORKSPACE_COUNT',
  'WORKSPACE_BYTES',
  'WORKSPACE_FROM',
  'WORKSPACE_TO',
  'WORKSPACE_TEXT',
  'WORKSPACE_TEXT_BYTES',
] as const;

/** Every offset, size, bit and code that the module exports, by name. */
export type Constants = Readonly<Record<(typeof constantNames)[number], number>>;
export type ScoreConstants = Readonly<Record<(typeof scoreConstantNames)[number], number>>;

export interface ScoreFunctions {
  scoreBatch(from: number, count: number): void;
  scoreOwn(): void;
}

/** The functions of the module. Indices are i32, times are milliseconds; see the AssemblyScript for each. */
export interface CoreFunctions extends ScoreFunctions {
  breakerTake(): number;
  breakerConfigureWindow(
    slot: number,
    calls: number,
    buckets: number,
    bucketMs: number,
    callsMin: number,
    failureRate: number,
    slowRate: number,
    slowMs: number,
  ): void;
  breakerConfigureOpen(
    slot: number,
    openMs: number,
    openMsMax: number,
    growth: number,
    jitter: number,
    seed: number,
    permits: number,
    successes: number,
    halfOpenMs: number,
  ): void;
  breakerStart(
    slot: number,
    state: number,
    step: number,
    openMs: number,
    calls: number,
    failures: number,
    slow: number,
    nowMs: number,
  ): void;
  breakerAcquire(slot: number, nowMs: number): number;
  breakerRecord(slot: number, permit: number, outcome: number, durationMs: number, nowMs: number): number;
  breakerForce(slot: number, state: number, nowMs: number): number;
  breakerTransition(slot: number): number;
  breakerTransitionAt(slot: number, transition: number, nowMs: number): number;
  breakerState(slot: number): number;
  breakerRetryMs(slot: number, nowMs: number): number;
  breakerStep(slot: number, nowMs: number): number;
  breakerWindow(slot: number, part: number, nowMs: number): number;
  breakerCounter(slot: number, counter: number): number;
  limiterOpen(): number;
  limiterConfigure(limiter: number, tokens: number, intervalMs: number, burst: number): void;
  limiterTake(limiter: number, low: number, high: number, nowMs: number): number;
  limiterCounter(limiter: number, counter: number): number;
  sketchTake(): number;
  sketchAdd(sketch: number, ms: number): void;
  sketchMerge(into: number, from: number): void;
  sketchBucket(sketch: number, bucket: number): number;
  sketchSum(sketch: number): number;
  sketchMax(sketch: number): number;
  classifierTake(): number;
  classifierRead(workspace: number, length: number): void;
  classifierScore(workspace: number, head: number, window: number, step: number): number;
  limitTake(): number;
  limitConfigure(
    limit: number,
    min: number,
    max: number,
    initial: number,
    queue: number,
    tolerance: number,
    smoothing: number,
    window: number,
  ): void;
  limitSample(limit: number, rttMs: number, inFlight: number, dropped: number): void;
  limitNow(limit: number): number;
  limitLongRtt(limit: number): number;
  limitCounter(limit: number, dropped: number): number;
}

/** Reads the exported constants. Throws when one is missing: module and host are not of one version. */
export const readConstants = (exports: Record<string, unknown>): Constants => read(exports, constantNames);

/** Those of scoring alone, for a module that may be older than this host. */
export const readScoreConstants = (exports: Record<string, unknown>): ScoreConstants =>
  read(exports, scoreConstantNames);

function read<Name extends string>(
  exports: Record<string, unknown>,
  names: readonly Name[],
): Record<Name, number> {
  const entries = names.map((name) => {
    const value = exports[name] instanceof WebAssembly.Global ? exports[name].value : undefined;
    if (typeof value !== 'number') throw new Error(`core.wasm does not export the constant ${name}`);
    return [name, value] as const;
  });
  return Object.fromEntries(entries) as Record<Name, number>;
}
