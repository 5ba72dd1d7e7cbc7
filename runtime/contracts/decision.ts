export const severities = ['none', 'normal', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

export const decisions = ['normal', 'monitor', 'reduce_load', 'emergency_shutdown'] as const;
export type Decision = (typeof decisions)[number];

export const factorNames = [
  'consistency',
  'system_health',
  'response_time',
  'resource_efficiency',
  'context_relevance',
  'error_rate',
] as const;
export type FactorName = (typeof factorNames)[number];

/** What one decision is made from. Percentages 0 to 100, ratios 0 to 1; an absent value is absent, never a default. */
export interface ScoreInput {
  cpu: number;
  ram: number;
  severity: Severity;
  temperatureC?: number;
  disk?: number;
  errorRate?: number;
  latencyMs?: number;
  /** 0 to 1; absent when no context was given. */
  contextRelevance?: number;
  /** Mean pressure (0 to 1) of the stream's recent history; absent when there is none. */
  historyPressure?: number;
}

export interface FactorShare {
  name: FactorName;
  /** 0 to 1. */
  score: number;
  /** After rescaling over the factors that are present; they sum to 1. */
  weight: number;
  /** score × weight; the shares sum to the confidence. */
  share: number;
}

export interface Score {
  decision: Decision;
  confidence: number;
  factors: FactorShare[];
  /** Factors left out because their input is absent. */
  absent: FactorName[];
  /** Ids of the rules that set the decision, such as `cpu_above_80`; empty for `normal`. */
  reasons: string[];
  /** 0 to 1: the load that the sample stands for; feeds the stream's history. */
  pressure: number;
}

export interface CoreIdentity {
  core_sha256: string;
  weights_version: string;
}

export interface DecisionScorer {
  readonly identity: CoreIdentity;
  /** Scores in the hot core. Requests of one turn of the event loop share one batch. */
  score(input: ScoreInput): Promise<Score>;
}

/** A decision as it was made and recorded; published on the bus as `decision.made`. */
export interface DecisionMade {
  id: string;
  stream: string;
  input: ScoreInput;
  score: Score;
  /** Index of its event in the ledger. */
  index: number;
  /** Monotonic ms of the sample, for the device's own; absent for posted advice. */
  sampleMonotonicMs?: number;
}
