import { renderConfig, renderKeys, renderMarkdown } from '../config/render.js';
import { type ConfigFlags, loadFor } from './load.js';

/** Prints the configuration in force, or what may stand in it. */
export function config(flags: ConfigFlags & { keys?: boolean; markdown?: boolean }): number {
  if (flags.markdown) process.stdout.write(renderMarkdown());
  else if (flags.keys) process.stdout.write(renderKeys());
  else process.stdout.write(renderConfig(loadFor(flags)));
  return 0;
}
