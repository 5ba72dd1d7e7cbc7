import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { RolledBack } from '../contracts/configuration.js';
import type { SystemStatus } from '../contracts/module.js';
import type { BuiltInModules } from './modules.js';

export interface StartOptions {
  config: Config;
  log: Logger;
  builtIn: BuiltInModules;
  /** The process before this one ended and was replaced by this: why, and how many there were. */
  restarted?: Restarted | undefined;
  /** The configuration is another one than before. */
  changedFrom?: { version: string; before: string };
  /** The configuration is not the one that was given. */
  rolledBack?: RolledBack | undefined;
}

export interface Restarted {
  cause: string;
  count: number;
}

export interface Appliance {
  /** Where it is reached, such as `http://127.0.0.1:8000`. */
  address: string;
  /** What a person should read at the start. */
  banner: string[];
  status(): SystemStatus;
  /** Stops accepting, lets what runs finish or cancels it, flushes the ledger. May be called again. */
  close(reason: string): Promise<void>;
  /** Records an error that nobody caught; the caller then closes. */
  recordError(error: Error): void;
}
