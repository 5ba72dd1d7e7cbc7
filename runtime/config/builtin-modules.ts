/** Names of the modules that ship with the appliance, in the order they are started. */
export const builtinModules = [
  'zeroia',
  'reflexia',
  'sandozia',
  'assistantia',
  'nyxalia',
  'helloria',
] as const;
export type BuiltinModule = (typeof builtinModules)[number];

/** Whether an entry of `modules.enabled` is a path rather than a built-in name. */
export function isModulePath(entry: string): boolean {
  return entry.includes('/') || entry.includes('.');
}
