import { Counter } from 'prom-client';
import { type Decision, decisions } from '../../runtime/contracts/decision.js';
import type { RouteDefinition } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../../runtime/contracts/module.js';
import { Decider } from './decider.js';
import { DeviceLoop } from './device-loop.js';
import { zeroiaRoutes } from './routes.js';

/** ZeroIA: scores measurements in the hot core and decides; on the device's own samples it acts. */
class Zeroia implements ArkaliaModule {
  readonly name = 'zeroia';
  readonly version = '0.1.0';
  readonly priority = 'critical';
  #context!: ModuleContext;
  #decider!: Decider;
  #loop!: DeviceLoop;
  readonly #posted: Record<Decision, number> = {
    normal: 0,
    monitor: 0,
    reduce_load: 0,
    emergency_shutdown: 0,
  };

  provision(context: ModuleContext): void {
    this.#context = context;
    this.#decider = new Decider(context.scorer, context.ledger, context.config.zeroia.streams_max);
    this.#loop = new DeviceLoop(context, this.#decider);
    const posted = this.#posted;
    new Counter({
      name: 'arkalia_decisions_posted_total',
      help: 'Decisions on posted measurements, by decision',
      labelNames: ['decision'],
      registers: [context.metrics],
      collect() {
        this.reset();
        for (const decision of decisions) this.inc({ decision }, posted[decision]);
      },
    });
  }

  validate(): void {}

  routes(): RouteDefinition[] {
    return zeroiaRoutes(this.#decider, {
      idempotency: this.#context.idempotency,
      count: (decision) => {
        this.#posted[decision] += 1;
      },
      lost: (error, requestId) =>
        this.#context.log.error({ err: error, request_id: requestId }, 'a queued decision was lost'),
      advises: () => this.#context.degradation.limits().advice,
      status: () => this.#facts(),
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  health(): ModuleHealth {
    const { quarantinedFor } = this.#loop;
    const held =
      quarantinedFor === undefined
        ? undefined
        : `in quarantine (${quarantinedFor}): what reflexia observes is acted on`;
    const problem = this.#loop.problem ?? held;
    return {
      state: problem === undefined ? 'ok' : 'degraded',
      ...(problem === undefined ? {} : { problem }),
      facts: this.#facts(),
    };
  }

  #facts(): Record<string, unknown> {
    const last = this.#loop.last;
    const { degradation, scorer } = this.#context;
    return {
      level: degradation.level(),
      shed: degradation.shed(),
      last_decision:
        last === undefined
          ? null
          : {
              id: last.id,
              decision: last.score.decision,
              confidence: last.score.confidence,
              factors: last.score.factors,
              absent: last.score.absent,
              reasons: last.score.reasons,
              index: last.index,
              repeated: this.#loop.repeated,
            },
      cycles: this.#loop.cycles.status(),
      posted: { ...this.#posted },
      streams: this.#decider.streams,
      thresholds: this.#loop.thresholds,
      model: scorer.identity,
    };
  }
}

export default (): ArkaliaModule => new Zeroia();
