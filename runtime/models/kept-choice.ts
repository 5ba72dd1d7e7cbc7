import { z } from 'zod';
import type { States, StateVersions } from '../contracts/state.js';
import type { Manifest } from './manifest.js';

/** Which model is used; null: the only one there is. */
export type Choice = string | null;

/**
 * Versions of which model is used. One that was chosen while no server ran begins its probation now; one that is not to be tried again,
 * because it made health worse, is gone back from.
 * @param goBack Puts an earlier choice in force; rejects where that model is gone.
 * @param onError Told when it could not be gone back now: then the choice stays.
 */
export async function keepChoice(
  states: States,
  manifest: Manifest,
  goBack: (choice: Choice) => Promise<void>,
  onError: (error: unknown) => void,
): Promise<StateVersions<Choice>> {
  const versions = states.open<Choice>({
    name: 'models.default',
    schema: z.string().nullable(),
    initial: manifest.default,
    restore: goBack,
  });
  const kept = versions.current();
  if (kept !== manifest.default) {
    if (versions.mayChange(manifest.default))
      await versions.change(manifest.default, 'chosen while no server ran');
    else await goBack(kept).catch(onError);
  }
  return versions;
}
