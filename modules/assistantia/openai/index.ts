import type { RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { Pipeline } from '../pipeline.js';
import { chatCompletionRoute } from './chat.js';
import { completionRoute } from './completions.js';
import { embeddingRoute } from './embeddings.js';
import { modelRoutes } from './models.js';

/** The part of OpenAI's API that its clients use with a model server. */
export function openaiRoutes(context: ModuleContext, pipeline: Pipeline): RouteDefinition[] {
  return [
    ...modelRoutes(context),
    chatCompletionRoute(pipeline),
    completionRoute(pipeline),
    embeddingRoute(pipeline),
  ];
}
