import type { ErrorCode } from './errors.js';

export const recoveryStrategies = [
  'immediate_retry',
  'exponential_backoff',
  'circuit_break',
  'graceful_degradation',
  'restart',
  'manual_intervention',
] as const;
export type RecoveryStrategy = (typeof recoveryStrategies)[number];

/**
 * What helps against each error; null where the request itself must change. It stands in the problem document and in the log, so that
 * a client, an operator and the appliance read the same.
 */
export const recoveryOf: Readonly<Record<ErrorCode, RecoveryStrategy | null>> = {
  invalid_json: null,
  invalid_request: null,
  unsupported_content: null,
  context_length_exceeded: null,
  unauthorized: null,
  forbidden: null,
  untrusted_signature: null,
  proof_invalid: null,
  conflict: null,
  request_in_progress: 'exponential_backoff',
  idempotency_mismatch: null,
  outcome_unknown: 'manual_intervention',
  setup_required: 'manual_intervention',
  prompt_refused: null,
  not_found: null,
  pruned: null,
  model_not_found: null,
  method_not_allowed: null,
  request_timeout: 'immediate_retry',
  payload_too_large: null,
  unsupported_media_type: null,
  misdirected_request: null,
  headers_too_large: null,
  rate_limited: 'exponential_backoff',
  internal: 'manual_intervention',
  // Asking again would only hide it.
  decision_integrity: 'manual_intervention',
  engine_failed: 'circuit_break',
  // The worker has been replaced by a fresh one.
  sandbox_failed: 'immediate_retry',
  engine_unavailable: 'circuit_break',
  queue_full: 'exponential_backoff',
  cognitive_overload: 'graceful_degradation',
  degraded: 'exponential_backoff',
  ledger_unavailable: 'exponential_backoff',
  system_reboot_required: 'restart',
  shutting_down: 'exponential_backoff',
  deadline_exceeded: 'exponential_backoff',
  loop_detected: 'manual_intervention',
};
