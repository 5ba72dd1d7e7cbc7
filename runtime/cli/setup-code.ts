import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { printable } from '../contracts/text.js';
import { control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

/** Has the running server make a new setup code and shows it. A code lives in the server, so without one there is none to make. */
export async function setupCode(flags: ConfigFlags, io: CliIo): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  const reply = await control(config.data_dir, { method: 'POST', path: '/setup/code', body: {} });
  if (reply.server === 'none') {
    throw new CliFailure(
      'No server runs on this data folder. It makes a setup code itself when it starts beyond loopback without a key. To make a key without it: arkalia keys create NAME --role admin',
    );
  }
  const { file, expires_ms } = z.object({ file: z.string(), expires_ms: z.number() }).parse(reply.value);
  const code = (await readFile(file, 'utf8')).trim();
  io.out(`${printable(code)}\n`);
  io.err(
    `Valid once, until ${new Date(expires_ms).toISOString().slice(0, 16)}Z or ten wrong tries. Exchange it for an administrator's key: POST /setup with {"code":"…"}.\n`,
  );
  return exitCodes.ok;
}
