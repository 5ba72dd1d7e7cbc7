import type { LoadedConfig } from '../../config/load.js';
import type { Clock } from '../../contracts/clock.js';

export interface Finding {
  check: string;
  level: 'ok' | 'warning' | 'fatal';
  /** What was found, in a line. */
  found: string;
  /** What to do about it. */
  todo?: string;
}

export interface DoctorContext {
  /** The configuration, or why there is none. */
  config: { ok: true; loaded: LoadedConfig } | { ok: false; problem: string };
  /** Loads a package by name; tests break it. */
  load(specifier: string): Promise<unknown>;
  clock: Clock;
}

/** One thing that is looked at. Checks run one after another and none relies on another. */
export interface Check {
  name: string;
  run(context: DoctorContext): Finding[] | Promise<Finding[]>;
}
