import { cli } from '../http/cli.js';
import { TestAppliance } from '../support/appliance.js';

/** A server, and the key of an administrator. */
export async function administered(): Promise<{ appliance: TestAppliance; key: string }> {
  const appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false' } });
  const argv = ['keys', 'create', '--name', 'a', '--role', 'admin', '--data', appliance.dataDir];
  return { appliance, key: (await cli(argv, { cwd: appliance.dataDir })).stdout.trim() };
}
