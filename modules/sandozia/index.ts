import type { RouteDefinition } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../../runtime/contracts/module.js';
import { allChecks } from './checks/all.js';
import { Examiner } from './examiner.js';
import { sandoziaRoutes } from './routes.js';

/** A round takes milliseconds; longer than this it waits for something that does not come. */
const ROUND_MS_MAX = 30_000;

/** Sandozia: checks that what the modules say about the same things agrees. It compares at each sample of the device. */
class Sandozia implements ArkaliaModule {
  readonly name = 'sandozia';
  readonly version = '0.1.0';
  readonly priority = 'medium';
  #context!: ModuleContext;
  #examiner: Examiner | undefined;
  #isEnergyRecalled = false;

  /** Listens from here on, so that no announcement is missed while the other modules start. */
  provision(context: ModuleContext): void {
    this.#context = context;
    this.#examiner = new Examiner(context, allChecks(context));
    this.#examiner.listen();
  }

  /** Nothing to refuse: it needs nothing but what others say. */
  validate(): void {}

  /** Listens since provision, unless it was stopped in between. */
  start(): void {
    this.#examiner?.listen();
    if (this.#isEnergyRecalled) return;
    this.#isEnergyRecalled = true;
    // Not waited for: windows of energy are no reason to serve later.
    this.#examiner
      ?.recallEnergy()
      .catch((error: unknown) => this.#context.log.warn({ err: error }, 'earlier energy could not be read'));
  }

  async stop(): Promise<void> {
    await this.#examiner?.stop();
  }

  health(): ModuleHealth {
    const results = this.#examiner?.results() ?? [];
    const wrong = results.filter(({ level }) => level === 'warning' || level === 'critical');
    const facts = Object.fromEntries(results.map(({ name, level }) => [name, level ?? 'not yet compared']));
    const quarantined = this.#examiner?.quarantine.all() ?? [];
    const known = { ...facts, quarantined };
    const roundMs = this.#examiner?.roundMs ?? 0;
    const isStuck = roundMs > ROUND_MS_MAX;
    if (wrong.length === 0 && quarantined.length === 0 && !isStuck) return { state: 'ok', facts: known };
    const problems = [
      ...(isStuck ? [`a round of the checks has not ended for ${Math.round(roundMs / 1000)} s`] : []),
      ...wrong.map(({ name, fault }) => `two accounts contradict (${name}: ${fault})`),
      ...quarantined.map(({ module, check }) => `${module} is in quarantine, for ${check}`),
    ];
    return { state: 'degraded', problem: problems.join('; '), facts: known };
  }

  routes(): RouteDefinition[] {
    const examiner = this.#examiner;
    if (examiner === undefined) return [];
    return sandoziaRoutes(this.#context, examiner, () => ({
      compared: examiner.compared,
      contradictions: examiner.contradictions,
      snapshots: examiner.snapshots.taken,
      last_snapshot: examiner.snapshots.lastIndex,
      quarantined: examiner.quarantine.all(),
      checks: examiner.results(),
    }));
  }
}

export default (): ArkaliaModule => new Sandozia();
