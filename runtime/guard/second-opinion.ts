import type { GuardJudgement, GuardReason, SecondOpinion } from '../contracts/guard.js';
import { classifierRule } from './judge.js';

/** Another classifier that is asked where ours is not sure. */
export interface SecondClassifier {
  /** SHA-256 of its file, in hex. */
  model: string;
  /** From this probability on it refuses. */
  threshold: number;
  /** Asked where our score is no further than this from its threshold. */
  band: number;
  /** How likely a text is an attack. Rejects with an error that may have a `code`. */
  judge(text: string): Promise<number>;
}

export const secondOpinionRule = {
  rule: 'second-opinion',
  en: 'The larger classifier that was asked too takes it for an attack.',
  fr: 'Le classifieur plus grand, consulté aussi, le prend pour une attaque.',
};

/** UTF-16 code units before and behind the evidence that are shown to the second classifier. */
const AROUND = 2000;

/**
 * The judgement after the second classifier was asked, where ours was not sure: it refuses, or lets pass what ours alone refused, with a
 * flag. What a rule refuses stays refused. When it fails, ours stands.
 */
export async function withSecondOpinion(
  text: string,
  judgement: GuardJudgement,
  second: SecondClassifier,
): Promise<GuardJudgement> {
  const { score, threshold, verdict, reasons } = judgement;
  const byRule = verdict === 'refuse' && reasons[0]?.rule !== classifierRule.rule;
  if (byRule || Math.abs(score - threshold) > second.band) return judgement;
  const span = reasons.find(({ rule }) => rule === classifierRule.rule)?.span ?? [0, text.length];
  const said = await ask(text.slice(Math.max(0, span[0] - AROUND), span[1] + AROUND), second);
  if ('failed' in said) return { ...judgement, second: said };
  if (said.probability < said.threshold)
    return { ...judgement, verdict: verdict === 'refuse' ? 'flag' : verdict, second: said };
  const reason: GuardReason = { ...secondOpinionRule, span: text === '' ? [0, 0] : span };
  return { ...judgement, verdict: 'refuse', reasons: [reason, ...reasons], second: said };
}

async function ask(text: string, { model, threshold, judge }: SecondClassifier): Promise<SecondOpinion> {
  try {
    return { probability: await judge(text), threshold, model };
  } catch (error) {
    return { failed: String((error as { code?: unknown }).code ?? 'failed'), model };
  }
}
