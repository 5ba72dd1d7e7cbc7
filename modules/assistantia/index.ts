import { callerIdOfOwner, type RouteDefinition } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../../runtime/contracts/module.js';
import { FeedbackRows } from './guard/feedback.js';
import { guardRoutes } from './guard/routes.js';
import { KeptSessions } from './kept-sessions.js';
import { mcpRoutes } from './mcp/routes.js';
import { McpServer } from './mcp/server.js';
import { createNavigator, type Navigator } from './navigator/index.js';
import { ollamaRoutes } from './ollama/index.js';
import { openaiRoutes } from './openai/index.js';
import { OwnQuarantine } from './own-quarantine.js';
import { Pipeline } from './pipeline.js';
import { chatRoutes } from './routes/chat.js';
import { sessionRoutes } from './routes/sessions.js';
import { Sessions } from './sessions.js';

/** Assistantia: talks to the models, and answers about the appliance itself when there is none. */
class Assistantia implements ArkaliaModule {
  readonly name = 'assistantia';
  readonly version = '0.1.0';
  readonly priority = 'high';
  #context!: ModuleContext;
  #pipeline!: Pipeline;
  #sessions!: Sessions;
  #kept!: KeptSessions;
  #navigator!: Navigator;
  readonly #quarantine = new OwnQuarantine();
  readonly #feedback = new FeedbackRows();
  #close = () => {};

  provision(context: ModuleContext): void {
    const { sessions_max, session_messages_max } = context.config.assistantia;
    this.#context = context;
    this.#sessions = new Sessions(sessions_max, session_messages_max);
    this.#kept = new KeptSessions(context.ledger);
    const forgetting = context.bus.subscribe('texts.erased', (selector) => {
      this.#feedback.forget();
      // Who erases a conversation of theirs has forgotten it already; that of another by the same id goes on.
      if ('session' in selector && selector.owner !== undefined) return;
      if ('session' in selector) this.#sessions.forget({ session: selector.session });
      else if ('key' in selector) this.#sessions.forget({ owner: callerIdOfOwner(selector.key) });
      // When something was said, and in which event, is not known here.
      else this.#sessions.forget('all');
    });
    const navigator = createNavigator(context);
    this.#navigator = navigator;
    this.#close = () => {
      forgetting();
      released();
      navigator.close();
    };
    const released = this.#quarantine.listen(context.bus);
    this.#pipeline = new Pipeline(context, (question) => navigator.brief(question), this.#quarantine);
  }

  validate(): void {
    const known = new Set(this.#context.routes().map(({ path }) => path));
    const unknown = Object.keys(this.#context.config.guard.routes).filter((path) => !known.has(path));
    if (unknown.length > 0)
      throw new Error(`guard.routes names ${unknown.join(', ')}, which is no route of this appliance`);
  }

  routes(): RouteDefinition[] {
    return [
      ...chatRoutes(this.#context, this.#pipeline, { sessions: this.#sessions, kept: this.#kept }, (words) =>
        this.#navigator.search(words),
      ),
      ...sessionRoutes(this.#context, { kept: this.#kept, sessions: this.#sessions }),
      ...openaiRoutes(this.#context, this.#pipeline),
      ...guardRoutes(this.#context, this.#feedback),
      ...ollamaRoutes(this.#context, this.#pipeline),
      ...mcpRoutes(new McpServer(this.#context, this.#navigator)),
    ];
  }

  async start(): Promise<void> {
    const { mode, routes, keys } = this.#context.config.guard;
    const settings = [mode, ...Object.values(routes), ...Object.values(keys)];
    if (settings.every((action) => action === 'enforce')) return;
    await this.#context.ledger.append({
      type: 'guard_relaxed',
      module: 'assistantia',
      data: { mode, routes, keys },
    });
  }

  stop(): void {
    this.#close();
  }

  health(): ModuleHealth {
    const { mcp, retries } = this.#context;
    const { fault } = this.#quarantine;
    return {
      ...(fault === undefined
        ? { state: 'ok' }
        : { state: 'degraded', problem: `in quarantine (${fault}): no model is asked, navigator answers` }),
      facts: { sessions: this.#sessions.size, mcp: mcp.status(), retries: retries.counts() },
    };
  }
}

export default (): ArkaliaModule => new Assistantia();
