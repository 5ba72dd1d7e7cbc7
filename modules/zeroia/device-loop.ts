import type { ScoreInput, Severity } from '../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { Decided, Decider } from './decider.js';
import { LevelRule } from './levels.js';

const DEVICE_STREAM = 'device';

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
 * Decides on each sample of the device and acts: score, set the level, record, tell the bus. The level is set before the decision is
 * recorded, so that a full disk does not keep the device from protecting itself. Samples are taken one after another.
 */
export class DeviceLoop {
  readonly #context: ModuleContext;
  readonly #decider: Decider;
  readonly #rule: LevelRule;
  #running: Promise<void> = Promise.resolve();
  #unsubscribe = () => {};
  last: Decided | undefined;
  problem: string | undefined;

  constructor(context: ModuleContext, decider: Decider) {
    this.#context = context;
    this.#decider = decider;
    this.#rule = new LevelRule(context.clock, context.config.zeroia.relief_ms);
  }

  start(): void {
    this.#unsubscribe = this.#context.bus.subscribe('device.sampled', (sample) => {
      this.#running = this.#running.then(() => this.#decide(sample));
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#running;
  }

  async #decide(sample: DeviceSample): Promise<void> {
    const input = inputOf(sample);
    if (input === null) {
      this.problem = `the platform does not tell ${sample.absent.join(', ')}, so nothing is decided`;
      return;
    }
    try {
      const { score } = await this.#decider.score(input, DEVICE_STREAM);
      if (this.#context.config.zeroia.act) await this.#act(score);
      this.last = await this.#decider.record(input, score, {
        stream: DEVICE_STREAM,
        sampleMonotonicMs: sample.monotonic_ms,
      });
      this.#context.bus.publish('decision.made', this.last.made);
      this.problem = undefined;
    } catch (error) {
      this.problem = `the last sample could not be decided or recorded: ${error instanceof Error ? error.message : String(error)}`;
      this.#context.log.error({ err: error }, 'device decision failed');
    }
  }

  async #act(score: Decided['made']['score']): Promise<void> {
    const { degradation } = this.#context;
    const level = this.#rule.next(degradation.level(), score.decision);
    const why = score.reasons.length === 0 ? 'no rule asks for more' : score.reasons.join(', ');
    await degradation.set(level, `${score.decision}: ${why}`);
  }
}
