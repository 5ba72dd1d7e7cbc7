import type {
  Decision,
  DecisionMade,
  Score,
  ScoreInput,
  Severity,
  Thresholds,
} from '../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { StateVersions } from '../../runtime/contracts/state.js';
import { MeanConfidence } from './confidence.js';
import { Cycles } from './cycles.js';
import type { Decider } from './decider.js';
import type { EncodedDecision } from './encode.js';
import { type Alarm, ForecastRule, inWords } from './forecast-rule.js';
import { keptSteps } from './kept-steps.js';
import { LevelRule } from './levels.js';
import { OwnStream } from './own-stream.js';
import { Repeats } from './repeats.js';
import type { Adjustment, Steps } from './thresholds.js';
import { type Contradiction, observe, Resolver } from './views.js';

const DEVICE_STREAM = 'device';
/** Name of the comparison in events. */
const CONTRADICTION = 'reflexia_zeroia';
/** A contradiction that goes on or comes back is recorded again after this long at the earliest. */
const CONTRADICTION_REPEAT_MS = 300_000;

/** What a sample is scored from; null when the platform does not tell enough to decide. */
function inputOf(sample: DeviceSample): ScoreInput | null {
  if (sample.cpu === undefined || sample.ram === undefined) return null;
  const severity: Severity = sample.throttled ? 'high' : 'normal';
  const input: ScoreInput = { cpu: sample.cpu, ram: sample.ram, severity };
  if (sample.disk !== undefined) input.disk = sample.disk;
  if (sample.temperature_c !== undefined) input.temperatureC = sample.temperature_c;
  if (sample.event_loop_delay_ms !== undefined) input.latencyMs = sample.event_loop_delay_ms;
  return input;
}

/**
 * Decides on each sample of the device and acts: score, set the level, record, tell the bus, let the thresholds learn. The level is
 * set before the decision is recorded, so that a full disk does not keep the device from protecting itself. Samples are taken one
 * after another.
 */
export class DeviceLoop {
  readonly #context: ModuleContext;
  readonly #decider: Decider;
  readonly #rule: LevelRule;
  readonly #own: OwnStream;
  readonly #kept: StateVersions<Steps>;
  readonly #forecasts: ForecastRule;
  readonly #repeats: Repeats;
  #running: Promise<void> = Promise.resolve();
  readonly #confidence = new MeanConfidence();
  readonly #resolver = new Resolver();
  readonly #toldMs = new Map<Contradiction['fault'], number>();
  readonly cycles = new Cycles();
  #unsubscribe = () => {};
  /** The last recorded decision. */
  last: DecisionMade | undefined;
  problem: string | undefined;

  constructor(context: ModuleContext, decider: Decider) {
    this.#context = context;
    this.#decider = decider;
    this.#rule = new LevelRule(context.clock, context.config.degradation, context.config.zeroia.hysteresis);
    this.#forecasts = new ForecastRule(context.clock);
    this.#repeats = new Repeats(context.clock, context.config.zeroia.record_interval_ms);
    this.#kept = keptSteps(context.states, (steps, why) => this.#goBack(steps, why));
    this.#own = new OwnStream(context.scorer, context.clock, context.config.zeroia, this.#kept.current());
  }

  /** Decisions since the last recorded one, all of them the same. */
  get repeated(): number {
    return this.#repeats.count;
  }

  get thresholds(): Thresholds {
    return this.#own.thresholds;
  }

  /** Why its decisions are not acted on now. */
  quarantinedFor: string | undefined;
  /** Samples of an observer in quarantine may be false: they worsen the level as ever and do not ease it. */
  #observerDoubted = false;

  start(): void {
    const { bus } = this.#context;
    const isOurs = ({ module }: { module: string }) => module === 'zeroia';
    const isObserver = ({ module }: { module: string }) => module === 'reflexia';
    const ends = [
      bus.subscribe('device.sampled', (sample) => {
        this.#running = this.#running.then(() => this.#decide(sample));
      }),
      bus.subscribe('module.quarantined', (one) => {
        if (isOurs(one)) this.quarantinedFor = one.fault;
        if (isObserver(one)) this.#observerDoubted = true;
      }),
      bus.subscribe('module.released', (one) => {
        if (isOurs(one)) this.quarantinedFor = undefined;
        if (isObserver(one)) this.#observerDoubted = false;
      }),
    ];
    this.#unsubscribe = () => {
      for (const end of ends) end();
    };
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#running;
  }

  /** One turn of the reason loop. */
  async #decide(sample: DeviceSample): Promise<void> {
    const startedMs = this.#context.clock.monotonicMs();
    const turn: { score?: Score; acted?: Decision; found?: Contradiction } = {};
    try {
      await this.#reason(sample, turn);
      this.problem = undefined;
    } catch (error) {
      this.problem = `the last sample could not be decided or recorded: ${error instanceof Error ? error.message : String(error)}`;
      this.#context.log.error({ err: error }, 'device decision failed');
    }
    this.cycles.add({
      cpu: sample.cpu ?? null,
      ram: sample.ram ?? null,
      temperature_c: sample.temperature_c ?? null,
      decision: turn.score?.decision ?? null,
      confidence: turn.score?.confidence ?? null,
      acted: turn.acted ?? null,
      contradiction: turn.found?.fault ?? null,
      level: this.#context.degradation.level(),
      took_ms: Math.round((this.#context.clock.monotonicMs() - startedMs) * 100) / 100,
      failure: this.problem ?? null,
    });
  }

  async #reason(
    sample: DeviceSample,
    turn: { score?: Score; acted?: Decision; found?: Contradiction },
  ): Promise<void> {
    const input = inputOf(sample);
    if (input === null) {
      if (this.#context.config.zeroia.act) await this.#protect(sample);
      throw new Error(
        `the platform does not tell ${sample.absent.join(', ')}, so nothing is decided; what is measured may worsen the level`,
      );
    }
    const { monotonic_ms: sampleMonotonicMs } = sample;
    this.#own.recall(input, sampleMonotonicMs);
    const { count: repeated } = this.#repeats;
    const about = { stream: DEVICE_STREAM, repeated };
    const { encoded, score } = this.#decider.scoreOwn(this.#own.score, input, about);
    turn.score = score;
    this.#own.remember(score, sampleMonotonicMs);
    const observed = observe(sample, this.#context.scorer.thresholds);
    const { acted: settled, found } = this.#resolver.resolve(observed, score);
    // In quarantine our own decision is recorded and told as ever, so that it can be checked, but not acted on.
    const acted = this.quarantinedFor === undefined ? settled : observed.asks;
    turn.acted = acted;
    const alarms = this.#context.config.zeroia.forecasts ? this.#forecasts.alarms(sample) : [];
    if (this.#context.config.zeroia.act) await this.#act(acted, score, { sample, alarms });
    const moves = this.#own.learn(input);
    const made = { id: encoded.id, stream: DEVICE_STREAM, input, score, sampleMonotonicMs };
    const index = await this.#record(encoded, score);
    if (index !== null) this.last = { ...made, index };
    this.#context.bus.publish('decision.made', { ...made, index });
    if (found !== undefined) {
      turn.found = found;
      await this.#tellContradiction(found, encoded.id);
    }
    for (const alarm of this.#forecasts.untold(alarms)) await this.#tellAlarm(alarm);
    for (const move of moves) await this.#move(move);
    await this.#learnConfidence(score.confidence);
  }

  async #tellContradiction(found: Contradiction, id: string): Promise<void> {
    const nowMs = this.#context.clock.monotonicMs();
    const toldMs = this.#toldMs.get(found.fault);
    if (toldMs !== undefined && nowMs - toldMs < CONTRADICTION_REPEAT_MS) return;
    const { fault, observed, because, decided, rule, acted } = found;
    const evidence = { observed, because, decided, decision: id, rule, acted };
    this.#context.bus.publish('contradiction.detected', { check: CONTRADICTION, evidence });
    await this.#context.ledger.append({
      type: 'contradiction_detected',
      module: 'zeroia',
      stream: DEVICE_STREAM,
      data: { check: CONTRADICTION, fault, level: 'warning', evidence },
    });
    this.#toldMs.set(fault, nowMs);
  }

  /** Returns the index of its event; null for one that is counted only. What anybody is told is what was recorded. */
  async #record(encoded: EncodedDecision, score: Score): Promise<number | null> {
    if (this.#repeats.isRepeat(score)) return null;
    const { index } = await this.#decider.record(encoded, { stream: DEVICE_STREAM });
    this.#repeats.recorded(score);
    return index;
  }

  /** The level is the one in force when it is recorded. */
  async #tellAlarm(alarm: Alarm): Promise<void> {
    const { figure, now, forecast } = alarm;
    const { value, limit, crosses_in_ms, horizon_ms, mase } = forecast;
    const level = this.#context.degradation.level();
    await this.#context.ledger.append({
      type: 'forecast_alarmed',
      module: 'zeroia',
      stream: DEVICE_STREAM,
      data: { figure, now, value, limit, crosses_in_ms, horizon_ms, mase, level },
    });
    this.#forecasts.told(alarm);
  }

  async #act(
    decision: Decision,
    score: Score,
    { sample, alarms }: { sample: DeviceSample; alarms: readonly Alarm[] },
  ): Promise<void> {
    const { degradation } = this.#context;
    const ahead = alarms.length === 0 ? undefined : inWords(alarms);
    const noRelief = this.#observerDoubted ? 'the observer is in quarantine' : undefined;
    const { level, why } = this.#rule.next(degradation.level(), decision, sample, { ahead, noRelief });
    const rules = score.reasons.length === 0 ? 'no rule asks for more' : score.reasons.join(', ');
    await degradation.set(level, `${why}: ${rules}`);
  }

  /** Heat, a full disk and the like need no decision. */
  async #protect(sample: DeviceSample): Promise<void> {
    const { degradation } = this.#context;
    const { asks, because } = observe(sample, this.#context.scorer.thresholds);
    const { level, why } = this.#rule.next(degradation.level(), asks, sample, {
      noRelief: 'nothing could be decided',
    });
    await degradation.set(level, [why, ...because].join(', '));
  }

  async #learnConfidence(confidence: number): Promise<void> {
    const moved = this.#confidence.learn(confidence, this.#context.clock.monotonicMs());
    if (moved === undefined) return;
    await this.#context.ledger.append({
      type: 'confidence_update',
      module: 'zeroia',
      stream: DEVICE_STREAM,
      data: { ...moved },
    });
    this.#confidence.told(moved);
  }

  /**
   * A threshold moves only when that is recorded; what could not be recorded is due again with the next sample. Where it made health worse
   * before, it stays.
   */
  async #move(adjustment: Adjustment): Promise<void> {
    const steps = this.#own.stepsAfter(adjustment);
    if (!this.#kept.mayChange(steps)) return;
    await this.#recordMove(adjustment);
    this.#own.apply(adjustment);
    await this.#kept.change(steps, `${adjustment.figure}: ${adjustment.why}`);
  }

  /** What was learned since made health worse. The thresholds go back between two samples, also where that cannot be recorded. */
  #goBack(steps: Steps, why: string): Promise<void> {
    this.#running = this.#running.then(async () => {
      for (const move of this.#own.movesTo(steps, `undone: ${why}`)) {
        this.#own.apply(move);
        try {
          await this.#recordMove(move);
        } catch (error) {
          this.#context.log.error({ err: error }, 'thresholds that went back could not be recorded');
        }
      }
      // A move may have been under way.
      await this.#kept.change(steps, why);
    });
    return this.#running;
  }

  async #recordMove({ figure, old, new: levels, base, why, mean }: Adjustment): Promise<void> {
    const moved = { base: { ...base }, figure, new: { ...levels }, old: { ...old }, why };
    await this.#context.ledger.append({
      type: 'threshold_adjusted',
      module: 'zeroia',
      stream: DEVICE_STREAM,
      data: mean === undefined ? moved : { ...moved, mean },
    });
  }
}
