import { fileURLToPath } from 'node:url';
import { startAppliance } from '../../chat/support.js';
import type { TestAppliance } from '../../support/appliance.js';
import { Supervised } from '../../watchdog/supervised.js';

const faults = fileURLToPath(new URL('./faults.fixture.js', import.meta.url));
const workers = new URL('./workers.fixture.js', import.meta.url).href;

/** For a configuration file that names the modules itself. */
export const breakableModules = ['zeroia', 'reflexia', 'sandozia', 'assistantia', faults, 'helloria'];

const breakable = {
  NODE_OPTIONS: `--import=${workers}`,
  ARKALIA_MODULES_ENABLED: breakableModules.join(','),
  ARKALIA_LIMITS_REQUESTS_PER_SECOND: '1000000',
  ARKALIA_LIMITS_REQUESTS_BURST: '1000000',
  ARKALIA_SANDBOX_WORKERS: '1',
  ARKALIA_SANDBOX_PROBE: 'false',
};

/** A server with the module that breaks things, one prompt worker and the intervals that it has by default. */
export const startBreakable = (
  env: Record<string, string> = {},
  flags: string[] = [],
  dataDir?: string,
): Promise<TestAppliance> => startAppliance({ ...breakable, ...env }, flags, dataDir);

/** The same under `serve --supervise`. A variable that is undefined is not set. */
export const startKept = (env: Record<string, string | undefined> = {}): Promise<Supervised> =>
  Supervised.start({
    ...breakable,
    ARKALIA_ZEROIA_ACT: 'false',
    ARKALIA_LIMITS_PROMPTS_BURST: '10000',
    ARKALIA_GUARD_REPEATS_PER_MINUTE: '0',
    ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '500',
    ...(env as Record<string, string>),
  });
