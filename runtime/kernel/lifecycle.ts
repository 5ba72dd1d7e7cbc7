import type { Logger } from 'pino';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../contracts/module.js';

/**
 * Runs modules through provision, validate, start and, in reverse, stop. Whatever was provisioned is stopped, also when a later
 * step fails; a module whose health or stop throws is reported as failed and holds up no other.
 */
export class Lifecycle {
  readonly #modules: readonly ArkaliaModule[];
  readonly #log: Logger;
  readonly #provisioned: ArkaliaModule[] = [];
  #stopped = false;

  constructor(modules: readonly ArkaliaModule[], log: Logger) {
    const names = modules.map((module) => module.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new RangeError(`modules.enabled names the module "${twice}" twice`);
    this.#modules = modules;
    this.#log = log;
  }

  get modules(): readonly ArkaliaModule[] {
    return this.#modules;
  }

  async provision(context: ModuleContext): Promise<void> {
    for (const module of this.#modules) {
      this.#provisioned.push(module);
      await this.#step(module, 'provision', () =>
        module.provision({ ...context, log: context.log.child({ module: module.name }) }),
      );
    }
    for (const module of this.#modules) await this.#step(module, 'validate', () => module.validate());
  }

  async start(): Promise<void> {
    for (const module of this.#modules) await this.#step(module, 'start', () => module.start());
  }

  /** Stops one module and starts it again. @throws Error when there is none of that name, or it does not start. */
  async restart(name: string): Promise<void> {
    const module = this.#provisioned.find((one) => one.name === name);
    if (module === undefined || this.#stopped) throw new Error(`there is no module ${name} to restart`);
    await this.#step(module, 'stop', () => module.stop());
    await this.#step(module, 'start', () => module.start());
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const module of this.#provisioned.reverse()) {
      try {
        await module.stop();
      } catch (error) {
        this.#log.error({ err: error, module: module.name }, 'module failed to stop');
      }
    }
  }

  health(module: ArkaliaModule): ModuleHealth {
    try {
      return module.health();
    } catch (error) {
      return {
        state: 'failed',
        problem: `health() threw: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  }

  async #step(module: ArkaliaModule, step: string, run: () => void | Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`module ${module.name} failed to ${step}: ${reason}`, { cause: error });
    }
  }
}
