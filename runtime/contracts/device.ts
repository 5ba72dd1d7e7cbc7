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

/** The degradation level in force, and the one way to change it. */
export interface Degradation {
  level(): DegradationLevel;
  /** What is shed right now, in words. */
  shed(): string[];
  /** Records the change, tells the bus, and applies it; a level equal to the present one does nothing. */
  set(level: DegradationLevel, reason: string): Promise<void>;
}
