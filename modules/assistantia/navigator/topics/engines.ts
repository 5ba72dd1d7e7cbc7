import { facts, type Topic } from './topic.js';

const MODELS_SHOWN_MAX = 8;

export const engines: Topic = {
  id: 'engines',
  patterns: [
    'engine*',
    'model',
    'models',
    'llm*',
    'ollama',
    'llama*',
    'gguf',
    'openai',
    'moteur*',
    'modele*',
  ],
  source: 'GET /status',
  gather: (context) =>
    context.prompts.engines().map(({ name, state, where, models, defaultModel, problem }) => ({
      id: 'engine',
      facts: facts({
        name,
        state,
        where,
        models: models.length,
        model_names: models.length === 0 ? undefined : models.slice(0, MODELS_SHOWN_MAX).join(', '),
        default_model: defaultModel,
        problem,
      }),
      source: 'GET /status',
    })),
};
