import type { ModelEntry } from '../../../runtime/contracts/models.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';

/** What Ollama says of a file; of models that a server runs only that server knows it. */
const unknown = {
  parent_model: '',
  format: '',
  family: '',
  families: [] as string[],
  parameter_size: '',
  quantization_level: '',
};

/** The models of our own folder, by the name under which the embedded engine alone offers them. */
export async function ownModels({
  models,
  prompts,
}: Pick<ModuleContext, 'models' | 'prompts'>): Promise<Map<string, ModelEntry>> {
  const engines = prompts.engines();
  const embedded = engines.find(({ name }) => name === 'embedded')?.models ?? [];
  if (embedded.length === 0) return new Map();
  const { models: entries, fixed } = await models.list();
  // A file outside the folder may have the name of one in it.
  if (fixed !== null) return new Map();
  const isOurs = (id: string) => engines.filter((engine) => engine.models.includes(id)).length === 1;
  return new Map(
    entries.flatMap((entry) =>
      embedded.includes(entry.name) && isOurs(entry.name) ? [[entry.name, entry]] : [],
    ),
  );
}

/** In Ollama's words. */
export function detailsOf(entry: ModelEntry | undefined): typeof unknown {
  const facts = entry?.facts ?? null;
  if (facts === null) return unknown;
  const { architecture = '', parameters, quantisation } = facts;
  return {
    parent_model: '',
    format: 'gguf',
    family: architecture,
    families: architecture === '' ? [] : [architecture],
    parameter_size: inShort(parameters),
    quantization_level: quantisation,
  };
}

/** The metadata under the names that GGUF gives it. */
export function infoOf(entry: ModelEntry | undefined): Record<string, string | number> {
  const facts = entry?.facts ?? null;
  if (facts === null) return {};
  const { architecture, name, licence, parameters, context_tokens } = facts;
  return {
    ...(architecture === undefined ? {} : { 'general.architecture': architecture }),
    ...(name === undefined ? {} : { 'general.name': name }),
    ...(licence === undefined ? {} : { 'general.license': licence }),
    'general.parameter_count': parameters,
    ...(architecture === undefined || context_tokens === undefined
      ? {}
      : { [`${architecture}.context_length`]: context_tokens }),
  };
}

/** As Ollama words it, such as 1.24B. */
function inShort(parameters: number): string {
  for (const [unit, size] of [
    ['B', 1e9],
    ['M', 1e6],
    ['K', 1e3],
  ] as const)
    if (parameters >= size) return `${Number((parameters / size).toFixed(2))}${unit}`;
  return String(parameters);
}
