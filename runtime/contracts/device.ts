/** One reading of the device. A value that the platform does not tell is absent, and its name is in `absent`. */
export interface DeviceSample {
  wall_ms: number;
  monotonic_ms: number;
  /** Percent of all cores since the last sample. */
  cpu?: number;
  /** Percent of memory that is not available. */
  ram?: number;
  /** Percent used on the file system of the data folder. */
  disk?: number;
  temperature_c?: number;
  /** Whether the firmware or kernel throttles the processor right now. */
  throttled?: boolean;
  /** Longest delay of the event loop since the last sample. */
  event_loop_delay_ms?: number;
  load_1m?: number;
  process_rss_bytes?: number;
  absent: string[];
}

export const levels = ['normal', 'light', 'moderate', 'heavy', 'emergency', 'survival'] as const;
export type DegradationLevel = (typeof levels)[number];

export interface LevelChange {
  from: DegradationLevel;
  to: DegradationLevel;
  reason: string;
}

/** What the level in force limits. */
export interface Limits {
  /** Share of an engine's queue that may be used, 0 to 1; the bound is rounded up. */
  queueShare: number;
  /** Whether engines with a language model answer, and whether the navigator does. */
  models: boolean;
  navigator: boolean;
  /** Whether the navigator searches the documentation. */
  passages: boolean;
  /** Whether the small model of an engine answers where no model is named. */
  smallModels: boolean;
  /** Longest answer of a model in tokens; null: as long as the caller lets it. */
  answerTokensMax: number | null;
  /** Characters of earlier messages that a model is sent; null: all. */
  contextCharsMax: number | null;
  /** Every how many intervals a snapshot is taken; 0: none. */
  snapshotEvery: number;
  /** Whether behaviour is analysed in the background. */
  analysis: boolean;
  /** Whether decisions are made for others. */
  advice: boolean;
}

/** How a service stands at the level in force. */
export interface ServiceState {
  name: string;
  priority: 'critical' | 'high' | 'medium' | 'low' | 'optional';
  state: 'full' | 'reduced' | 'shed';
  /** What of it is given up, in words; absent while it is whole. */
  means?: string;
}

/** Why the level in force is what it is. */
export interface DegradationStatus {
  /** What asked for it; null for the level of the start. */
  reason: string | null;
  /** How long it has been in force. */
  for_ms: number;
  services: ServiceState[];
}

/** The degradation level in force, and the one way to change it. */
export interface Degradation {
  level(): DegradationLevel;
  /** What is reduced or shed right now, in words. */
  shed(): string[];
  limits(): Limits;
  status(): DegradationStatus;
  /** Records the change, tells the bus, and applies it; a level equal to the present one does nothing. */
  set(level: DegradationLevel, reason: string): Promise<void>;
}
