import { type LoadedConfig, loadConfig } from '../config/load.js';

export interface ConfigFlags {
  config?: string;
  data?: string;
}

/** The configuration with a verb's flags over it. @throws ConfigError listing every problem. */
export function loadFor(flags: ConfigFlags, overrides: Record<string, unknown> = {}): LoadedConfig {
  return loadConfig({
    file: flags.config,
    env: process.env,
    overrides: { data_dir: flags.data, ...overrides },
  });
}
