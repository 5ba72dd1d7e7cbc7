import { AppError } from '../../runtime/contracts/errors.js';
import { type EngineName, engineNames } from '../../runtime/contracts/prompt.js';
import type { EngineView } from '../../runtime/contracts/sandbox.js';

/** An engine and the model it is to use, as the engine names it. */
export interface Candidate {
  engine: EngineName;
  model: string;
}

export interface ChainRequest {
  /** As the client named it; undefined when it named none. */
  model: string | undefined;
  /** Whether navigator may answer a request that names no model: true for /chat, false for /v1. */
  navigatorByDefault: boolean;
}

export interface ChainSources {
  engines: readonly EngineView[];
  order: readonly EngineName[];
  aliases: Readonly<Record<string, readonly string[]>>;
}

/** The model id that stands for the appliance itself: the configured order, navigator included. */
const ARKALIA_MODEL = 'arkalia';
/** The tag that a name of Ollama's has when it has none. */
const LATEST = ':latest';

/**
 * Which engines are tried, in order, for a request:
 * - no model named: `engines.order`, each with its default model; navigator only where the API lets it in;
 * - `arkalia`: the same, navigator included;
 * - an alias: its chain;
 * - a model: the engines that offer it, in `engines.order`; nothing else may answer. `engine/model` picks one engine.
 *
 * An empty list means that what was asked for exists and nothing offers it now.
 * @throws AppError `model_not_found` when a model is named that nothing offers.
 */
export function resolveChain(request: ChainRequest, sources: ChainSources): Candidate[] {
  // Ollama's clients add :latest to a name without a tag, so ours may come with it too.
  const ours = request.model?.endsWith(LATEST) ? request.model.slice(0, -LATEST.length) : undefined;
  const isOurs = ours === ARKALIA_MODEL || (ours !== undefined && Object.hasOwn(sources.aliases, ours));
  const model = isOurs ? ours : request.model;
  if (model === undefined) return byOrder(sources, request.navigatorByDefault);
  if (model === ARKALIA_MODEL) return byOrder(sources, true);
  const alias = Object.hasOwn(sources.aliases, model) ? sources.aliases[model] : undefined;
  if (alias !== undefined) return alias.flatMap((entry) => aliasEntry(entry, sources));
  const named = byName(model, sources);
  if (named.length > 0) return named;
  const known = offeredModels(sources).slice(0, 20).join(', ');
  throw new AppError('model_not_found', `No engine offers the model asked for. There are: ${known}.`, {
    details: { param: 'model' },
  });
}

/** Every model id that a request may name now. */
export function offeredModels({ engines, order, aliases }: ChainSources): string[] {
  const found = engines.filter((engine) => engine.state === 'found' && order.includes(engine.name));
  return [...new Set([ARKALIA_MODEL, ...Object.keys(aliases), ...found.flatMap((engine) => engine.models)])];
}

function usable(name: EngineName, { engines, order }: ChainSources): EngineView | undefined {
  return order.includes(name)
    ? engines.find((engine) => engine.name === name && engine.state === 'found')
    : undefined;
}

function byOrder(sources: ChainSources, navigator: boolean): Candidate[] {
  return sources.order
    .filter((name) => navigator || name !== 'navigator')
    .flatMap((name) => {
      const model = usable(name, sources)?.defaultModel;
      return model === undefined ? [] : [{ engine: name, model }];
    });
}

function split(entry: string): { engine: EngineName; model: string | undefined } | null {
  const [engine, ...rest] = entry.split('/');
  if (!engineNames.includes(engine as EngineName)) return null;
  return { engine: engine as EngineName, model: rest.length === 0 ? undefined : rest.join('/') };
}

function aliasEntry(entry: string, sources: ChainSources): Candidate[] {
  const parts = split(entry);
  const view = parts === null ? undefined : usable(parts.engine, sources);
  if (parts === null || view === undefined) return [];
  const model = parts.model === undefined ? view.defaultModel : nameAt(view, parts.model);
  return model === undefined ? [] : [{ engine: parts.engine, model }];
}

function byName(model: string, sources: ChainSources): Candidate[] {
  const offering = sources.order.flatMap((name) => {
    const view = usable(name, sources);
    const found = view === undefined ? undefined : nameAt(view, model);
    return found === undefined ? [] : [{ engine: name, model: found }];
  });
  return offering.length === 0 && split(model)?.model !== undefined ? aliasEntry(model, sources) : offering;
}

/** The engine's own name for a model; `name` and `name:latest` are the same, as in Ollama. */
function nameAt(view: EngineView, model: string): string | undefined {
  if (view.models.includes(model)) return model;
  const other = model.endsWith(LATEST) ? model.slice(0, -LATEST.length) : `${model}${LATEST}`;
  return view.models.includes(other) ? other : undefined;
}
