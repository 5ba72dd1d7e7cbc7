import { Core } from '../../../core-wasm/index.js';
import type { Guard } from '../../contracts/guard.js';
import { loadGuardModel } from '../classifier/load.js';
import { createGuard } from '../guard.js';

/** A guard as the appliance has it, over a hot core of its own. */
export function guardForTests(): Guard {
  return createGuard({ classifiers: Core.create().classifiers, model: loadGuardModel({}), level: 'medium' });
}
