// What the module exports. The layout comes along, so that a host reads every offset from the module itself.
export * from "./layout";
export {
  FAULT_RANGE,
  FAULT_INPUT,
  FAULT_RESULT,
  FAULT_STATE,
  FAULT_CONTENTION,
  FAULT_TIME,
  FAULT_DURATION,
  FAULT_PERMIT,
} from "./fault";
export { TIME_MAX_MS } from "./breaker-time";
export {
  STATE_NONE,
  STATE_CLOSED,
  STATE_OPEN,
  STATE_HALF_OPEN,
  STATE_FORCED_OPEN,
  STATE_DISABLED,
  STATE_METRICS_ONLY,
  CAUSE_FAILURE_RATE,
  CAUSE_SLOW_RATE,
  CAUSE_OPEN_TIME_OVER,
  CAUSE_PROBE_FAILED,
  CAUSE_PROBE_SLOW,
  CAUSE_PROBE_LOST,
  CAUSE_PROBES_SUCCEEDED,
  CAUSE_FORCED,
  CAUSE_RESET,
  PERMIT_MAX,
  TRANSITION_MAX,
  STEP_MAX,
} from "./breaker-state";
export { BUCKET_CALLS_MAX } from "./breaker-buckets";
export { breakerTake, breakerConfigureWindow, breakerConfigureOpen, breakerStart } from "./breaker-setup";
export {
  OUTCOME_SUCCESS,
  OUTCOME_FAILURE,
  OUTCOME_IGNORED,
  RECORD_WAS_LATE,
  RECORD_COUNTED,
  RECORD_MOVED,
  breakerAcquire,
  breakerRecord,
  breakerForce,
} from "./breaker";
export {
  WINDOW_CALLS,
  WINDOW_FAILURES,
  WINDOW_SLOW,
  breakerState,
  breakerTransition,
  breakerTransitionAt,
  breakerRetryMs,
  breakerStep,
  breakerWindow,
  breakerCounter,
} from "./breaker-read";
export { scoreBatch, scoreOwn } from "./scoring";
export {
  LIMITER_TOKENS_MAX,
  LIMITER_INTERVAL_MS_MAX,
  LIMITER_BURST_MAX,
  limiterOpen,
  limiterConfigure,
  limiterTake,
  limiterCounter,
} from "./gcra";
export {
  SKETCH_PARTS,
  SKETCH_EXPONENT_MIN,
  SKETCH_TICKS_PER_MS,
  sketchTake,
  sketchAdd,
  sketchMerge,
  sketchBucket,
  sketchSum,
  sketchMax,
} from "./sketch";
export { CLASSIFIER_FEATURES, classifierTake, classifierRead, classifierScore } from "./classifier";
export {
  LIMIT_MAX,
  LIMIT_QUEUE_MAX,
  LIMIT_WINDOW_MAX,
  limitTake,
  limitConfigure,
  limitSample,
  limitNow,
  limitLongRtt,
  limitCounter,
} from "./concurrency";
