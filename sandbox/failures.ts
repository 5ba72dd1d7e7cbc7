import type { ExitCause } from './child.js';
import type { FailureFacts } from './protocol.js';
import { type EngineKind, type FailureCode, SandboxError, type SandboxErrorCode } from './types.js';

const sentences: Record<FailureCode, string> = {
  engine_unreachable: 'could not be reached',
  engine_status: 'failed',
  engine_overloaded: 'has no place for this prompt now',
  engine_garbage: 'answered something that is not its own protocol',
  engine_stalled: 'fell silent',
  engine_died: 'broke off before its answer was complete',
  engine_rejected: 'rejected the request',
  model_not_found: 'does not have that model',
  context_length_exceeded: 'says that the prompt is longer than its context',
  loop_detected: 'is this appliance itself',
  output_limit: 'answered more than allowed',
  unsupported:
    'cannot do what the request asks for (tools, JSON or embeddings); docs/engines.md says which can',
};

/** Words a failure that a worker reported, from its code and facts; nothing of the engine's own words is in it. */
export function failureOf(engine: EngineKind, code: FailureCode, facts: FailureFacts): SandboxError {
  const parts = [
    facts.status === undefined ? '' : `status ${facts.status}`,
    facts.bytes === undefined ? '' : `${facts.bytes} bytes`,
    facts.sha256 === undefined ? '' : `SHA-256 ${facts.sha256}…`,
  ].filter((part) => part !== '');
  const about = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  return new SandboxError(code, `The engine ${engine} ${sentences[code]}${about}.`, {
    ...(facts.status === undefined ? {} : { status: facts.status }),
    ...(facts.retryAfterMs === undefined ? {} : { retryAfterMs: facts.retryAfterMs }),
  });
}

const endings: Record<ExitCause, [SandboxErrorCode, string]> = {
  deadline: ['deadline', 'The prompt was not done at its deadline; its worker was killed.'],
  out_of_memory: ['out_of_memory', 'The worker of the prompt used more memory than allowed and was killed.'],
  protocol: ['protocol', 'The worker of the prompt broke the protocol and was killed.'],
  aborted: ['aborted', 'The prompt was ended before its answer was complete.'],
  stalled: ['crashed', 'The worker of the prompt did not start.'],
  retired: ['closed', 'The sandbox is closing.'],
  crashed: ['crashed', 'The worker of the prompt crashed.'],
};

/** What the end of its worker means for a prompt. */
export function failureOfExit(cause: ExitCause): SandboxError {
  return new SandboxError(...endings[cause]);
}
