import { createPromptRunner } from '../../sandbox/index.js';
import type { SandboxLevel } from '../../sandbox/types.js';
import { sandboxOptions } from './sandbox-options.js';

/** The levels that this host has, to run tests at each. The strongest one missing is told loudly, with the reason. */
export async function levelsToTest(): Promise<SandboxLevel[]> {
  const runner = createPromptRunner(sandboxOptions({ sandbox: { workers: 1 } }));
  await runner.start();
  const { level, short } = runner.status();
  await runner.close();
  if (level === 'process') {
    console.error(`\nTESTS OF LEVEL strict ARE SKIPPED: this host has none (${short}).\n`);
    return ['process'];
  }
  return [level, 'process'];
}
