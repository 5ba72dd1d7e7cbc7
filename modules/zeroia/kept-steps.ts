import { z } from 'zod';
import type { States, StateVersions } from '../../runtime/contracts/state.js';
import { noSteps, type Steps } from './thresholds.js';

/** More than the smallest step needs to the lowest bound. */
const count = z.int().min(0).max(1000);
const schema = z.strictObject({ cpu: count, ram: count, temperatureC: count });

/**
 * The versions of the device's own thresholds. Steps are kept and not thresholds, so that whatever a file says the bounds of the
 * configuration and the base of the hot core hold.
 */
export const keptSteps = (
  states: States,
  restore: (steps: Steps, why: string) => Promise<void>,
): StateVersions<Steps> => states.open({ name: 'zeroia.thresholds', schema, initial: noSteps, restore });
