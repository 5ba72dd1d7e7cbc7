import { Core } from '../../../core-wasm/index.js';
import { loadGuardModel } from '../classifier/load.js';
import { createGuard, type OwnedGuard } from '../guard.js';

/** A guard as the appliance has it, over a hot core of its own. */
export function guardForTests(): OwnedGuard {
  return createGuard({ core: Core.create(), model: loadGuardModel({}), level: 'medium' });
}
