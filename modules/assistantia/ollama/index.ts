import type { RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { Pipeline } from '../pipeline.js';
import { askRoutes } from './ask.js';
import { embedRoutes } from './embed.js';
import { modelRoutes } from './models.js';

/** The part of Ollama's API that its clients use to talk to a model; models are not pulled, made or deleted through it. */
export function ollamaRoutes(context: ModuleContext, pipeline: Pipeline): RouteDefinition[] {
  return [...modelRoutes(context), ...askRoutes(context, pipeline), ...embedRoutes(pipeline)];
}
