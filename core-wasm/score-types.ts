/** In the order of their codes in the slab. */
export const severities = ['none', 'normal', 'low', 'medium', 'high', 'critical'] as const;
/** In the order of their codes in the slab. */
export const decisions = ['normal', 'monitor', 'reduce_load', 'emergency_shutdown'] as const;
/** In the order of their weights. */
export const factorNames = [
  'consistency',
  'system_health',
  'response_time',
  'resource_efficiency',
  'context_relevance',
  'error_rate',
] as const;

type FactorName = (typeof factorNames)[number];

/** What one decision is made from. Percentages 0 to 100, ratios 0 to 1; an absent value is absent, never a default. */
export interface ScoreInput {
  cpu: number;
  ram: number;
  severity: (typeof severities)[number];
  /** -273.15 to 1000. */
  temperatureC?: number;
  disk?: number;
  errorRate?: number;
  /** 0 to 1e9. */
  latencyMs?: number;
  contextRelevance?: number;
  historyPressure?: number;
  /** The stream's previous decision, and the ms, 0 to 1e15, since the inputs last asked for it: both or neither. */
  previousDecision?: (typeof decisions)[number];
  previousAgeMs?: number;
}

/** What scoring gives. */
export interface Score {
  decision: (typeof decisions)[number];
  /** 0 to 1: the sum of the shares, in the order of the factors. */
  confidence: number;
  /** The factors present: score 0 to 1, weight rescaled over those present, share = score × weight. */
  factors: { name: FactorName; score: number; weight: number; share: number }[];
  absent: FactorName[];
  /** Ids of the rules that gave the decision; empty for `normal`. */
  reasons: string[];
  /** 0 to 1. */
  pressure: number;
}
