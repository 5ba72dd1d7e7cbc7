import { errorCode, type Machine } from './sensor.js';

/**
 * Asks a Raspberry Pi's firmware through vcgencmd. The answer is undefined, and nothing is started again, on a device that has no such
 * program; a program that fails is asked again.
 */
export function firmware(
  machine: Machine,
  args: string[],
): (signal: AbortSignal) => Promise<string | undefined> {
  let missing = machine.platform !== 'linux';
  return async (signal) => {
    if (missing) return undefined;
    try {
      return await machine.run('vcgencmd', args, signal);
    } catch (error) {
      missing = errorCode(error) === 'ENOENT';
      if (missing) return undefined;
      throw error;
    }
  };
}
