import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuiltinModule, isModulePath } from '../config/builtin-modules.js';
import type { ArkaliaModule, ModuleFactory } from '../contracts/module.js';

export type BuiltInModules = Record<BuiltinModule, () => Promise<{ default: ModuleFactory }>>;

const steps = ['provision', 'validate', 'start', 'stop', 'health'] as const;

/**
 * Makes the modules that the (validated) configuration lists. A path is a third party's module; it runs in this process with all its
 * rights.
 * @throws Error naming the module when it cannot be loaded or is not one.
 */
export async function loadModules(
  enabled: readonly string[],
  builtIn: BuiltInModules,
): Promise<ArkaliaModule[]> {
  const modules: ArkaliaModule[] = [];
  for (const name of enabled) modules.push(await loadModule(name, builtIn));
  return modules;
}

async function loadModule(name: string, builtIn: BuiltInModules): Promise<ArkaliaModule> {
  if (!isModulePath(name)) return (await builtIn[name as BuiltinModule]()).default();
  let made: unknown;
  try {
    const loaded = (await import(pathToFileURL(resolve(name)).href)) as { default: ModuleFactory };
    made = loaded.default();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the module ${name} of modules.enabled cannot be loaded: ${reason}`, { cause });
  }
  assertModule(made, name);
  return made;
}

function assertModule(value: unknown, where: string): asserts value is ArkaliaModule {
  const module = value as Record<string, unknown> | null;
  const missing: string[] = steps.filter((step) => typeof module?.[step] !== 'function');
  for (const field of ['name', 'version', 'priority'])
    if (typeof module?.[field] !== 'string') missing.push(field);
  if (missing.length > 0)
    throw new Error(`the module ${where} lacks ${missing.join(', ')}; see runtime/contracts/module.ts`);
}
