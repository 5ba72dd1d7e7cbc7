import { z } from 'zod';
import { levels } from '../../contracts/device.js';
import { count, milliseconds, section } from './parts.js';

/** Measured health alone goes to survival, so no decision does. */
const decisionLevel = (fallback: 'normal' | 'light' | 'moderate' | 'heavy' | 'emergency') =>
  z.enum(levels).exclude(['survival']).default(fallback);

const cooldown = (fallback: number) => milliseconds(fallback, 0, 3_600_000);

export const degradation = section({
  levels: section({
    normal: decisionLevel('normal').describe('Level while the decision on the device is normal.'),
    monitor: decisionLevel('light').describe('Level while it is monitor.'),
    reduce_load: decisionLevel('moderate').describe('Level while it is reduce_load.'),
    reduce_load_persists: decisionLevel('heavy').describe(
      'Level once it has been reduce_load for persist_ms.',
    ),
    emergency_shutdown: decisionLevel('emergency').describe('Level while it is emergency_shutdown.'),
  }),
  persist_ms: milliseconds(120_000, 0, 3_600_000).describe(
    'After this long without anything milder than reduce_load, reduce_load_persists applies.',
  ),
  cooldown: section({
    light_ms: cooldown(30_000).describe(
      'Time without a decision for this level or a worse one, after which it steps down to normal.',
    ),
    moderate_ms: cooldown(30_000).describe('The same, from moderate to light.'),
    heavy_ms: cooldown(60_000).describe('The same, from heavy to moderate.'),
    emergency_ms: cooldown(60_000).describe('The same, from emergency to heavy.'),
    survival_ms: cooldown(120_000).describe('The same, from survival to emergency.'),
  }),
  survival: section({
    temperature_c: z
      .number()
      .min(40)
      .max(150)
      .default(88)
      .describe('From this temperature on only the ledger and health are served, whatever is decided.'),
    ram: z.number().min(50).max(101).default(98).describe('The same for memory in use, percent; 101: never.'),
    disk: z.number().min(50).max(101).default(99.5).describe('The same for the disk; 101: never.'),
    samples: count(3, 1, 1000).describe(
      'Samples in a row that must be beyond, so that one alone does nothing.',
    ),
  }),
});

export const recovery = section({
  look_ms: milliseconds(5000, 100, 3_600_000).describe(
    'Time between two looks of the checks that mend what fails.',
  ),
  backoff_ms: milliseconds(1000, 1).describe(
    'Wait between two attempts at one fault: a random time up to this, doubled with each attempt.',
  ),
  backoff_max_ms: milliseconds(60_000, 1).describe('Longest such wait.'),
  rollback: z
    .boolean()
    .default(true)
    .describe(
      'Whether a changed configuration that does not start, or makes health worse during its probation, is undone: the last good one is in force then, and an incident says so. The same for what modules have learned.',
    ),
  probation_ms: milliseconds(600_000, 1000).describe(
    'How long a changed configuration, or what a module has learned, is on probation; an incident or an end of the process within it undoes it.',
  ),
  restart_process: z
    .boolean()
    .default(false)
    .describe(
      'Whether the process ends itself when only that can help, such as a ledger that has failed. Set it where something starts it again: systemd, a container.',
    ),
});
