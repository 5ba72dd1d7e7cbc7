import type { Decision, ScoreInput } from '../../runtime/contracts/decision.js';
import type { Claim } from '../../runtime/contracts/idempotency.js';
import type { RecordLevel } from '../../runtime/contracts/record.js';
import type { About, Decider } from './decider.js';
import { answerJson } from './encode.js';

interface Once {
  input: ScoreInput;
  about: About;
  level: RecordLevel;
  waitMs: number | undefined;
  count(decision: Decision): void;
}

/**
 * A decision for a request with an Idempotency-Key: made once, and given again as it was. It is durable before it is answered, also where
 * less was asked, for only then can it be given again.
 */
export async function decideOnce(
  decider: Decider,
  claim: Claim,
  { input, about, level, waitMs, count }: Once,
): Promise<{ answer: string; recorded: RecordLevel }> {
  if (claim.state === 'answered') {
    const { answerHead, recorded } = await decider.again(claim, { level, waitMs });
    return { answer: answerJson({ answerHead }, recorded), recorded: recorded.recorded };
  }
  try {
    const encoded = await decider.score(input, about.stream);
    const recorded = await decider.recordOnce(encoded, about, { claim, level, waitMs });
    count(encoded.decision);
    return { answer: answerJson(encoded, recorded), recorded: recorded.recorded };
  } finally {
    claim.settle(false);
  }
}
