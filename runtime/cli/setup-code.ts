import { administer } from './administer.js';
import type { ConfigFlags } from './load.js';

/** The code lives in the running server, so only a running server makes one. */
export async function setupCode(flags: ConfigFlags): Promise<number> {
  const { file, expires_ms } = await administer<{ file: string; expires_ms: number }>(flags, {
    method: 'POST',
    path: '/setup/code',
    body: {},
  });
  console.log(`A new setup code is in ${file}, valid until ${new Date(expires_ms).toISOString()}.`);
  return 0;
}
