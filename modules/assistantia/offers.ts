import type { ModuleContext } from '../../runtime/contracts/module.js';
import { type ChainSources, offeredModels } from './chain.js';

/** What models are resolved from, the engines asked anew. */
export async function freshSources({ prompts, config }: ModuleContext): Promise<ChainSources> {
  return { engines: await prompts.refreshEngines(), order: config.engines.order, aliases: config.aliases };
}

/** Every model id that a request may name, the engines asked anew. */
export async function freshModels(context: ModuleContext): Promise<string[]> {
  return offeredModels(await freshSources(context));
}
