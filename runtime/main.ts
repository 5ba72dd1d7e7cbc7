import type { StartOptions } from './kernel/appliance.js';
import { type GuardedAppliance, startGuarded } from './kernel/guarded-start.js';
import type { BuiltInModules } from './kernel/modules.js';

/** The one place that knows the modules that ship with the appliance. */
const builtIn: BuiltInModules = {
  zeroia: () => import('../modules/zeroia/index.js'),
  reflexia: () => import('../modules/reflexia/index.js'),
  sandozia: () => import('../modules/sandozia/index.js'),
  assistantia: () => import('../modules/assistantia/index.js'),
  nyxalia: () => import('../modules/nyxalia/index.js'),
  helloria: () => import('../modules/helloria/index.js'),
};

/** Starts the appliance with its own modules and those that the configuration adds. */
export function startAppliance(options: Omit<StartOptions, 'builtIn'>): Promise<GuardedAppliance> {
  return startGuarded({ ...options, builtIn });
}
