import { z } from 'zod';

/** Changes of one state that are on probation at a time, and those undone that are known. */
export const trialsMax = 20;
export const undoneMax = 20;
const statesMax = 100;

const version = z.strictObject({
  version: z.string(),
  since_ms: z.number(),
  why: z.string(),
  value: z.json(),
});
const state = z.strictObject({
  good: version,
  trials: z.array(version).max(trialsMax),
  incidents: z.array(z.string()),
  unclean: z.int().min(0),
  undone: z
    .array(z.strictObject({ version: z.string(), back_to: z.string(), why: z.string(), at_ms: z.number() }))
    .max(undoneMax),
});
const file = z.record(z.string(), state).refine((all) => Object.keys(all).length <= statesMax);

export type KeptVersion = z.infer<typeof version>;

/**
 * `good` has been through its probation; `trials` came after it, oldest first, and are in it; `incidents` were open when the first of them
 * began; `unclean` counts the starts since that did not end in good order; `undone` made health worse.
 */
export type KeptState = z.infer<typeof state>;

/** @throws Error when it is no such file. */
export function parseStates(text: string): Record<string, KeptState> {
  return file.parse(JSON.parse(text));
}
