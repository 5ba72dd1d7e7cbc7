import { breakers } from './breakers.js';
import { config } from './config.js';
import { decisions } from './decisions.js';
import { cpu, disk, memory, temperature } from './device.js';
import { engines } from './engines.js';
import { events } from './events.js';
import { guard } from './guard.js';
import { health } from './health.js';
import { identity } from './identity.js';
import { sandbox } from './sandbox.js';
import { greeting, help } from './small-talk.js';
import type { Topic } from './topic.js';
import { version } from './version.js';

/** In the order in which they are answered. */
export const topics: readonly Topic[] = [
  greeting,
  identity,
  help,
  health,
  decisions,
  temperature,
  memory,
  cpu,
  disk,
  engines,
  breakers,
  sandbox,
  guard,
  config,
  events,
  version,
];
