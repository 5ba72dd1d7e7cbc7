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
  /**
   * The previous decision of the stream and the ms since its inputs last asked for it: both or neither. With them hysteresis and
   * cooldown may keep a higher decision for longer; they never make one milder.
   */
  previousDecision?: Decision;
  previousAgeMs?: number;
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

/** Weights, severity pressures and thresholds that a score is made with. */
export interface ParameterSet {
  /** A hash of the numbers. */
  readonly version: string;
  /** The numbers, as a JSON array. */
  readonly json: string;
}

/** Thresholds of one figure: the values above which (temperature: from which) a decision is given. */
export interface Levels {
  monitor: number;
  reduce: number;
}

/** The thresholds that may move with the history of a stream. */
export interface Thresholds {
  cpu: Levels;
  ram: Levels;
  temperatureC: Levels;
}

/** What the device sets for its own stream. Thresholds may only be lower than those of posted advice. */
export interface OwnParameters extends Thresholds {
  /** A decision is kept until each figure is this share of its threshold below it, 0 to 0.5. */
  hysteresis: number;
  /** A decision is kept for this long after the inputs last asked for it, 0 to 86,400,000 ms. */
  cooldownMs: number;
}

/**
 * A scored record, read where it lies in the memory of the hot core: valid only during the call that it is handed to. Factors are
 * numbered as in `factorNames`.
 */
export interface ScoreRecord {
  readonly parameters: ParameterSet;
  readonly decision: Decision;
  readonly confidence: number;
  readonly pressure: number;
  /** Bit i: factor i is absent; its score, weight and share mean nothing. */
  readonly absentBits: number;
  /** The rules as bits: equal bits, equal `reasons`. */
  readonly reasonBits: number;
  readonly reasons: readonly string[];
  score(factor: number): number;
  weight(factor: number): number;
  share(factor: number): number;
  /** A copy that stays. */
  toScore(): Score;
}

/** Scores at once, in the calling thread; gives what `read` makes of the result. Throws a RangeError for a value out of bounds. */
export type OwnScorer = <T>(input: ScoreInput, read: (record: ScoreRecord) => T) => T;

export interface DecisionScorer {
  /** Of the module, and of the parameters of posted advice. */
  readonly identity: CoreIdentity;
  /** Those of posted advice. */
  readonly thresholds: Thresholds;
  /**
   * Scores in the hot core; resolves with what `read` makes of the result. Requests of one turn of the event loop share one batch,
   * and their `read` functions run one after another; they must not score themselves.
   */
  score<T>(input: ScoreInput, read: (record: ScoreRecord) => T): Promise<T>;
  /** For the device's own samples: waits for no batch and no thread. Throws a RangeError for a threshold that is raised. */
  withOwn(parameters: OwnParameters): OwnScorer;
  /** Batches at the pool's threads now. */
  batchesOut(): number;
}

/** A decision as it was made and recorded; published on the bus as `decision.made`. */
export interface DecisionMade {
  id: string;
  stream: string;
  input: ScoreInput;
  score: Score;
  /** Index of its event in the ledger; null for one of the device that repeats the last recorded and is counted with the next. */
  index: number | null;
  /** Monotonic ms of the sample, for the device's own; absent for posted advice. */
  sampleMonotonicMs?: number;
}
