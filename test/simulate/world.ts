import type { Config } from '../../runtime/contracts/module.js';
import type { IncidentStorage } from '../../runtime/recovery/incident-file.js';
import type { Device } from './device.js';
import type { ModelServers } from './engines.js';
import type { Trace } from './trace.js';
import type { VirtualTime } from './virtual-time.js';
import type { Watch } from './watch.js';

/** Rules that can be broken on purpose, so that a test sees each invariant find it. */
export type Sabotage =
  | 'lose_event'
  | 'double_slot'
  | 'double_probe'
  | 'no_cooldown'
  | 'stuck_breaker'
  | 'mute_health'
  | 'unbounded_queue'
  | 'retry_storm'
  | 'wide_thresholds'
  | 'throw_later';

/** What outlives the appliance's process. */
export interface World {
  readonly time: VirtualTime;
  readonly device: Device;
  readonly servers: ModelServers;
  readonly config: Config;
  readonly random: () => number;
  readonly trace: Trace;
  readonly watch: Watch;
  /** The data folder, on a real file system. */
  readonly folder: string;
  readonly incidents: IncidentStorage;
  readonly states: IncidentStorage;
  readonly sabotage: Sabotage | undefined;
  /** Lives of the process so far, this one included. */
  boots: number;
  /** Chance that a prompt kills its worker. */
  deathChance: number;
  /** The appliance wants to be started anew. */
  restart(): void;
}
