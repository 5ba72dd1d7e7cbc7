import { forecastFigures } from '../../runtime/contracts/device.js';
import type { RouteDefinition } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext, ModuleHealth } from '../../runtime/contracts/module.js';
import { EnergyMeter } from './energy.js';
import { Forecasts, type Judged } from './forecast/forecasts.js';
import { keptMuted } from './forecast/kept-muted.js';
import { publishForecasts } from './forecast/metrics.js';
import { SampleHistory } from './history.js';
import { type Host, thisHost } from './host.js';
import { Loop } from './loop.js';
import { publishSample } from './metrics.js';
import { onceMachine } from './once-machine.js';
import { reflexiaRoutes } from './routes.js';
import { Sampler } from './sampler.js';
import { allSensors } from './sensors/all.js';

const SENSOR_TIMEOUT_MS = 1000;
/** A share of processor time needs two readings; the first sample comes this long after the first of them. */
const FIRST_SAMPLE_MS = 500;
const EVENT_LOOP_RESOLUTION_MS = 20;
/** Intervals without a sample from which the module calls itself degraded. */
const STALE_INTERVALS = 4;

/** Reflexia: samples the device that we run on, and tells the bus. */
class Reflexia implements ArkaliaModule {
  readonly name = 'reflexia';
  readonly version = '0.1.0';
  readonly priority = 'critical';
  readonly #history = new SampleHistory();
  #context!: ModuleContext;
  #sampler!: Sampler;
  #histogram: ReturnType<Host['eventLoop']> | undefined;
  #loop: Loop | undefined;
  readonly #host: Host;
  readonly #garbage: ReturnType<Host['garbageMeter']>;
  readonly #energy = new EnergyMeter();
  #forecasts!: Forecasts;
  #muted!: ReturnType<typeof keptMuted>;
  #subscriptions: (() => void)[] = [];
  #startedMs = 0;
  #reported = '{}';

  constructor(host: Host) {
    this.#host = host;
    this.#garbage = host.garbageMeter();
  }

  provision(context: ModuleContext): void {
    this.#context = context;
    const intervalMs = context.config.reflexia.interval_ms;
    this.#muted = keptMuted(context.states, (figure, isMuted) => this.#forecasts.mute(figure, isMuted));
    this.#forecasts = new Forecasts(context.config.reflexia, (figure) =>
      this.#muted[figure].mayChange(false),
    );
    for (const figure of forecastFigures) this.#forecasts.mute(figure, this.#muted[figure].current());
    const histogram = this.#host.eventLoop(EVENT_LOOP_RESOLUTION_MS);
    this.#histogram = histogram;
    const machine = onceMachine(this.#host.machine);
    this.#sampler = new Sampler({
      sensors: allSensors({
        machine,
        host: this.#host,
        context,
        eventLoop: { histogram, resolutionMs: EVENT_LOOP_RESOLUTION_MS },
        garbageMs: () => this.#garbage.take(),
      }),
      clock: context.clock,
      onBegin: () => machine.forget(),
      timeoutMs: Math.min(SENSOR_TIMEOUT_MS, intervalMs),
      setTimer: context.setTimer,
    });
    this.#loop = new Loop({
      intervalMs,
      firstMs: Math.min(FIRST_SAMPLE_MS, intervalMs),
      task: (signal) => this.#sample(signal),
      onError: (error) => context.log.error({ err: error }, 'sampling the device failed'),
      clock: context.clock,
      setTimer: context.setTimer,
    });
    publishSample(context.metrics, () => this.#history.last);
    publishForecasts(context.metrics, () => this.#forecasts.last);
  }

  /** Nothing to refuse: a value that cannot be read is absent, not an error. */
  validate(): void {}

  async start(): Promise<void> {
    this.#startedMs = this.#context.clock.monotonicMs();
    this.#histogram?.enable();
    this.#garbage.start();
    this.#subscribe();
    // Sets the mark that the first share of processor time is measured from; what else it reads is not used.
    await this.#sampler.sample(new AbortController().signal);
    this.#loop?.start();
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    this.#histogram?.disable();
    this.#garbage.stop();
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
  }

  health(): ModuleHealth {
    const { clock, config } = this.#context;
    const { last } = this.#history;
    const silentMs = clock.monotonicMs() - (last?.monotonic_ms ?? this.#startedMs);
    const stale = silentMs > STALE_INTERVALS * config.reflexia.interval_ms + SENSOR_TIMEOUT_MS;
    return {
      state: stale ? 'degraded' : 'ok',
      ...(stale ? { problem: `no sample of the device for ${Math.round(silentMs / 1000)} s` } : {}),
      facts: { ...last, absent_because: this.#sampler.absentBecause },
    };
  }

  routes(): RouteDefinition[] {
    return reflexiaRoutes(() => ({
      interval_ms: this.#context.config.reflexia.interval_ms,
      sample: this.#history.last ?? null,
      absent_because: this.#sampler.absentBecause,
      forecasts: this.#forecasts.last,
      history: this.#history.all(),
    }));
  }

  #subscribe(): void {
    const { bus, clock } = this.#context;
    this.#subscriptions.push(
      bus.subscribe('prompt.began', () => this.#energy.began(clock.monotonicMs())),
      bus.subscribe('prompt.ended', (ended) => this.#energy.ended(clock.monotonicMs(), ended)),
      bus.subscribe('level.changed', () => this.#forecasts.settle()),
    );
  }

  async #sample(signal: AbortSignal): Promise<void> {
    const read = await this.#sampler.sample(signal);
    if (signal.aborted) return;
    const energy = this.#energy.add(read.power?.watts, read.monotonic_ms);
    const sample = energy === undefined ? read : { ...read, energy };
    this.#history.add(sample);
    this.#reportAbsences();
    const judged = this.#forecasts.take(sample);
    this.#context.bus.publish('device.sampled', { ...sample, forecasts: this.#forecasts.last });
    for (const one of judged) {
      this.#recordJudged(one);
      this.#keepMuted(one);
    }
  }

  /** Not waited for either. That a forecaster is muted only protects; that it counts again is tried. */
  #keepMuted({ figure, state, mase }: Judged): void {
    const isMuted = state === 'muted';
    this.#muted[figure]
      .change(isMuted, `${state} at an error of ${mase}`, { probation: !isMuted })
      .catch((error: unknown) => this.#context.log.error({ err: error }, 'who is muted could not be kept'));
  }

  /** Not waited for: samples come whatever the ledger does. */
  #recordJudged(judged: Judged): void {
    const { ledger, log } = this.#context;
    ledger
      .append({ type: 'forecast_judged', module: 'reflexia', stream: 'device', data: { ...judged } })
      .catch((error: unknown) => log.error({ err: error, ...judged }, 'a judgement could not be recorded'));
  }

  /** Logs what cannot be read, once for each change of it. */
  #reportAbsences(): void {
    const { absentBecause } = this.#sampler;
    const now = JSON.stringify(absentBecause);
    if (now === this.#reported) return;
    this.#reported = now;
    this.#context.log.info({ absent_because: absentBecause }, 'the set of readable values changed');
  }
}

/** Reflexia on a device and process that are given. */
export const reflexiaOn = (host: Host): ArkaliaModule => new Reflexia(host);

export default (): ArkaliaModule => reflexiaOn(thisHost);
