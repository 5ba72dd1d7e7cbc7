import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { AnswersRan } from './answers-ran.js';
import type { Check } from './check.js';
import { ConfidenceCoherence } from './confidence-coherence.js';
import { DecisionRules } from './decision-rules.js';
import { FigureStandsStill } from './figure-stands-still.js';
import { Interface } from './interface.js';
import { LedgerHoldsAnswer } from './ledger-holds-answer.js';
import { LedgerHoldsDecision } from './ledger-holds-decision.js';
import { LevelFollowsRules } from './level-follows-rules.js';
import { LevelInForce } from './level-in-force.js';
import { LevelSteps } from './level-steps.js';
import { SampleDecided } from './sample-decided.js';
import { TemporalCoherence } from './temporal-coherence.js';

/** Every check that this configuration has something to compare for. */
export function allChecks({ clock, config, degradation, ledger }: ModuleContext): Check[] {
  const { assistantia, modules, reflexia, zeroia, degradation: rules } = config;
  const decides = modules.enabled.includes('zeroia');
  const answers = modules.enabled.includes('assistantia');
  const acts = decides && zeroia.act;
  return [
    ...(decides ? [new SampleDecided(reflexia.interval_ms)] : []),
    new DecisionRules(),
    new LedgerHoldsDecision(ledger),
    new LevelInForce(degradation),
    new Interface(),
    new TemporalCoherence(reflexia.interval_ms),
    new ConfidenceCoherence(),
    ...(acts
      ? [new LevelFollowsRules(degradation, rules.levels), new LevelSteps(clock, rules.cooldown)]
      : []),
    ...(answers ? [new LedgerHoldsAnswer(ledger), new AnswersRan(clock, assistantia.deadline_ms)] : []),
    new FigureStandsStill(),
  ];
}
