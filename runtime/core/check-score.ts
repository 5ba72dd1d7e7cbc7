import { factorNames, type ScoreRecord } from '../contracts/decision.js';
import { DecisionIntegrityError } from '../contracts/errors.js';

/** Rounding of six products and their sum is far below this. */
const sumError = 1e-9;

/**
 * Gives back a score that agrees with itself. The slab is memory that several threads write, so what is read from it is checked before
 * anyone acts on it.
 * @throws DecisionIntegrityError naming what does not agree.
 */
export function checkScore<T extends ScoreRecord>(score: T): T {
  const { confidence, pressure, absentBits } = score;
  if (score.decision === undefined) throw broken('its decision is none');
  if (!(confidence >= 0 && confidence <= 1)) throw broken(`its confidence is ${confidence}`);
  if (!(pressure >= 0 && pressure <= 1)) throw broken(`its pressure is ${pressure}`);
  let sum = 0;
  for (let factor = 0; factor < factorNames.length; factor++) {
    if ((absentBits & (1 << factor)) === 0) sum += score.share(factor);
  }
  if (!(Math.abs(sum - confidence) <= sumError)) {
    throw broken(`its shares sum to ${sum}, its confidence is ${confidence}`);
  }
  return score;
}

function broken(why: string): DecisionIntegrityError {
  return new DecisionIntegrityError(`A score does not agree with itself: ${why}. Nothing was decided.`);
}
