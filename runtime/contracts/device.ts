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
  /** Percent of each core since the last sample. */
  cpu_cores?: number[];
  /** Percent of the last 10 s in which some task waited for a core, for memory, for the disk. */
  cpu_pressure?: number;
  memory_pressure?: number;
  io_pressure?: number;
  /** Percent of swap that is in use. */
  swap?: number;
  /** Free for us on the file system of the data folder. */
  disk_free_bytes?: number;
  /** Percent of its life that the card or drive says it has used, at most; 100: it is worn out. */
  storage_wear?: number;
  /** Written to the cards and drives of the device since its start. */
  storage_written_bytes?: number;
  /** Whether the supply voltage is too low right now. */
  under_voltage?: boolean;
  /** How far the wall clock moved against the monotonic one since the last sample; positive: forward. */
  clock_step_ms?: number;
  /** Whether the wall clock can be right: not before this program was made. */
  clock_plausible?: boolean;
  /** Whether the system says that its clock follows a time server. */
  clock_synchronised?: boolean;
  /** Whether some network interface has a link. */
  network_up?: boolean;
  /** Time in the garbage collector since the last sample. */
  gc_ms?: number;
  /** JavaScript heap in use, and memory outside it that it holds. */
  heap_bytes?: number;
  external_bytes?: number;
  /** Prompts that wait for a slot of an engine, and that have one. */
  queue_waiting?: number;
  queue_busy?: number;
  /** Batches of decisions at the pool's threads. */
  pool_batches?: number;
  /** Time of an engine's call of the last one to two minutes that nine in ten stay below; of the slowest engine. */
  engine_p90_ms?: number;
  /** Calls of engines that failed since the last sample. */
  engine_errors?: number;
  /** Sandboxed processes that were killed or crashed since the last sample. */
  sandbox_deaths?: number;
  /** From sending events to the ledger's writer until they are synchronised to the disk: a moving average. */
  ledger_commit_ms?: number;
  power?: PowerReading;
  energy?: EnergyAccount;
  /** Where figures are going; absent for a figure that was never read, and before there is anything to say. */
  forecasts?: Partial<Record<ForecastFigure, Forecast>>;
  absent: string[];
}

export const forecastFigures = ['temperature_c', 'ram', 'disk'] as const;
export type ForecastFigure = (typeof forecastFigures)[number];

/** What a forecaster expects of a figure, and how far it can be believed. */
export interface Forecast {
  /** `learning` until it was held against what came often enough; `muted` while it is worse than "it stays as it is": nobody acts on it. */
  state: 'learning' | 'good' | 'muted';
  horizon_ms: number;
  /** Expected at the horizon, in the unit of the figure. */
  value: number;
  /** Where the chip throttles, or memory or card are full. */
  limit: number;
  /** When the limit is expected to be reached, from the sample on; null when not within the horizon. */
  crosses_in_ms: number | null;
  /** Mean absolute scaled error of its forecasts over the horizon; below 1: better than the naive forecast; null before the first judgement. */
  mase: number | null;
  /** Forecasts that were held against what came. */
  judged: number;
}

export const powerSources = ['pmic', 'rapl', 'powermetrics', 'model'] as const;

export interface PowerReading {
  watts: number;
  /**
   * `pmic`: what a Raspberry Pi 5 measures at the outputs of its power chip; `rapl`: processor and memory as an x86 processor counts
   * them; `powermetrics`: processor, graphics and neural engine of a Mac; `model`: reckoned from the load of the processor.
   */
  source: (typeof powerSources)[number];
  /** Whether it is reckoned and not measured. */
  estimated: boolean;
  /** Better sources that this device has, and why they did not tell. */
  instead_of?: string;
}

/** Energy since the start, from power times time. As good as the power that it comes from. */
export interface EnergyAccount {
  joules: number;
  /** Of it while at least one prompt ran: the whole device's, not only what the prompt added. */
  prompt_joules: number;
  /** Prompts that were answered, and the tokens of their answers as far as engines tell. */
  prompts: number;
  tokens: number;
  joules_per_request?: number;
  joules_per_token?: number;
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
