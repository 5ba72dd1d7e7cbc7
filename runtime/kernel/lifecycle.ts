import type { Logger } from 'pino';
import type { Clock } from '../contracts/clock.js';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../contracts/module.js';
import { createModuleBus, type ModuleBus } from './module-bus.js';

/** Restarts of one module within the window; one that needs more is left to a person, and hears nothing more. */
const restartsMax = 3;
const restartWindowMs = 3_600_000;

export interface LifecycleOptions {
  modules: readonly ArkaliaModule[];
  log: Logger;
  clock: Pick<Clock, 'monotonicMs'>;
  /** A module did not start, or a handler of its threw: it calls itself failed until it was restarted. */
  onFault: () => void;
}

/**
 * Runs modules through provision, validate, start and, in reverse, stop. Whatever was provisioned is stopped, also when a later
 * step fails; a module whose health or stop throws is reported as failed and holds up no other. One that does not start or throws while it
 * handles an event is failed until `restart`; only a critical one that does not start ends the start of all.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #provisioned: ArkaliaModule[] = [];
  readonly #buses = new Map<string, ModuleBus>();
  readonly #faults = new Map<string, string>();
  /** When each module was restarted. */
  readonly #restarts = new Map<string, number[]>();
  #stopped = false;

  constructor(options: LifecycleOptions) {
    const names = options.modules.map((module) => module.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new RangeError(`modules.enabled names the module "${twice}" twice`);
    this.#options = options;
  }

  get modules(): readonly ArkaliaModule[] {
    return this.#options.modules;
  }

  async provision(context: ModuleContext): Promise<void> {
    for (const module of this.modules) {
      const { name } = module;
      this.#provisioned.push(module);
      const own = createModuleBus(context.bus, (event, error) =>
        this.#fault(name, `Its handler of ${event} threw: ${reasonOf(error)}`),
      );
      this.#buses.set(name, own);
      await step(module, 'provision', () =>
        module.provision({ ...context, bus: own.bus, log: context.log.child({ module: name }) }),
      );
    }
    for (const module of this.modules) await step(module, 'validate', () => module.validate());
  }

  async start(): Promise<void> {
    for (const module of this.modules) {
      try {
        await step(module, 'start', () => module.start());
      } catch (error) {
        if (module.priority === 'critical') throw error;
        this.#options.log.error({ err: error, module: module.name }, 'a module did not start');
        this.#fault(module.name, reasonOf(error));
      }
    }
  }

  /**
   * Stops one module and starts it again; that it fails to stop does not keep it from being started.
   * @throws Error when there is none of that name, it was restarted too often, does not start, or hears less than before.
   */
  async restart(name: string): Promise<void> {
    const module = this.#provisioned.find((one) => one.name === name);
    if (module === undefined || this.#stopped) throw new Error(`there is no module ${name} to restart`);
    const own = this.#buses.get(name);
    const nowMs = this.#options.clock.monotonicMs();
    const recent = (this.#restarts.get(name) ?? []).filter((atMs) => nowMs - atMs < restartWindowMs);
    if (recent.length >= restartsMax) {
      own?.mute();
      throw new Error(`module ${name} was restarted ${restartsMax} times within an hour and fails again`);
    }
    this.#restarts.set(name, [...recent, nowMs]);
    const heard = own?.count() ?? 0;
    await this.#stopOne(module);
    await step(module, 'start', () => module.start());
    if ((own?.count() ?? 0) < heard) throw new Error(`module ${name} hears less than before its restart`);
    this.#faults.delete(name);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const module of this.#provisioned.reverse()) await this.#stopOne(module);
  }

  health(module: ArkaliaModule): ModuleHealth {
    const problem = this.#faults.get(module.name);
    try {
      const health = module.health();
      return problem === undefined ? health : { ...health, state: 'failed', problem };
    } catch (error) {
      return { state: 'failed', problem: problem ?? `health() threw: ${reasonOf(error)}` };
    }
  }

  async #stopOne(module: ArkaliaModule): Promise<void> {
    try {
      await module.stop();
    } catch (error) {
      this.#options.log.error({ err: error, module: module.name }, 'module failed to stop');
    }
  }

  #fault(name: string, problem: string): void {
    if (this.#stopped || this.#faults.has(name)) return;
    this.#faults.set(name, problem);
    this.#options.onFault();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function step(module: ArkaliaModule, name: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new Error(`module ${module.name} failed to ${name}: ${reasonOf(error)}`, { cause: error });
  }
}
