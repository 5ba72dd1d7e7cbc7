import { fileURLToPath } from 'node:url';
import type { RouteDefinition } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../../runtime/contracts/module.js';
import type { SocketDefinition } from '../../runtime/contracts/socket.js';
import { readWebFiles, type WebFiles } from './files.js';
import { DeviceHistory } from './history.js';
import { liveSocket } from './live/socket.js';
import { LiveTopics } from './live/topics.js';
import { webRoutes } from './routes.js';

/** Where the web build puts the page, beside this file. */
const webFolder = fileURLToPath(new URL('./web/', import.meta.url));

/** Nyxalia: the web page, and the live data that it and other programs follow. */
class Nyxalia implements ArkaliaModule {
  readonly name = 'nyxalia';
  readonly version = '0.1.0';
  readonly priority = 'optional';
  readonly #history = new DeviceHistory();
  #context!: ModuleContext;
  #topics!: LiveTopics;
  #files: WebFiles | undefined;
  #unsubscribe = () => {};

  provision(context: ModuleContext): void {
    this.#context = context;
    this.#topics = new LiveTopics(context);
  }

  /** Nothing to refuse: without a built page the API serves all the same, and /health says so. */
  validate(): void {}

  async start(): Promise<void> {
    this.#files = await readWebFiles(webFolder);
    this.#topics.listen();
    this.#unsubscribe = this.#context.bus.subscribe('device.sampled', (sample) => this.#history.add(sample));
  }

  stop(): void {
    this.#unsubscribe();
    this.#topics.stop();
  }

  health(): ModuleHealth {
    if (this.#files === undefined)
      return { state: 'degraded', problem: 'the web page is not built here; "npm run build" makes it' };
    return { state: 'ok', facts: { files: this.#files.assets.size + 1 } };
  }

  routes(): RouteDefinition[] {
    const { config, version } = this.#context;
    return webRoutes({ files: () => this.#files, history: this.#history, config, version });
  }

  sockets(): SocketDefinition[] {
    return [liveSocket(this.#context, this.#topics)];
  }
}

export default (): ArkaliaModule => new Nyxalia();
