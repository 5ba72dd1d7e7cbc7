import { renderConfig, renderKeys, renderMarkdown } from '../config/render.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

export interface ShowConfigFlags extends ConfigFlags {
  keys?: boolean;
  markdown?: boolean;
}

/** Prints the effective configuration, or every key there is. */
export async function showConfig(flags: ShowConfigFlags, io: CliIo): Promise<number> {
  if (flags.markdown) io.out(renderMarkdown());
  else if (flags.keys) io.out(renderKeys());
  else io.out(renderConfig(loadFromFlags(flags, io)));
  return exitCodes.ok;
}
