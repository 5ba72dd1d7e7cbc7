import type { RouteDefinition } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../../runtime/contracts/module.js';
import { createNavigator } from './navigator/index.js';
import { ollamaRoutes } from './ollama/index.js';
import { openaiRoutes } from './openai/index.js';
import { Pipeline } from './pipeline.js';
import { chatRoutes } from './routes/chat.js';
import { Sessions } from './sessions.js';

/** Assistantia: talks to the models, and answers about the appliance itself when there is none. */
class Assistantia implements ArkaliaModule {
  readonly name = 'assistantia';
  readonly version = '0.1.0';
  readonly priority = 'high';
  #context!: ModuleContext;
  #pipeline!: Pipeline;
  #sessions!: Sessions;
  #close = () => {};

  provision(context: ModuleContext): void {
    const { sessions_max, session_messages_max } = context.config.assistantia;
    this.#context = context;
    this.#sessions = new Sessions(sessions_max, session_messages_max);
    const forgetting = context.bus.subscribe('texts.erased', (selector) => {
      if ('session' in selector) this.#sessions.forget({ session: selector.session });
      else if ('key' in selector) this.#sessions.forget({ owner: `key:${selector.key}` });
      // When something was said, and in which event, is not known here.
      else this.#sessions.forget('all');
    });
    const navigator = createNavigator(context);
    this.#close = () => {
      forgetting();
      navigator.close();
    };
    this.#pipeline = new Pipeline(context, (question) => navigator.brief(question));
  }

  validate(): void {}

  routes(): RouteDefinition[] {
    return [
      ...chatRoutes(this.#context, this.#pipeline, this.#sessions),
      ...openaiRoutes(this.#context, this.#pipeline),
      ...ollamaRoutes(this.#context, this.#pipeline),
    ];
  }

  start(): void {}

  stop(): void {
    this.#close();
  }

  health(): ModuleHealth {
    return { state: 'ok', facts: { sessions: this.#sessions.size } };
  }
}

export default (): ArkaliaModule => new Assistantia();
