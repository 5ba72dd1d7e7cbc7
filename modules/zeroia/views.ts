import {
  type Decision,
  decisions,
  type Levels,
  type Score,
  type Thresholds,
} from '../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';

/** From here on the firmware of a Raspberry Pi slows the processor hard. */
const EMERGENCY_C = 85;
/** Percent of the disk. */
const DISK: Levels = { monitor: 85, reduce: 95 };
/** An event loop that was blocked for so long keeps everyone waiting, whatever the processor says. */
const BLOCKED_MS = 2000;
/** Decisions this many steps worse than what was observed contradict it; thresholds that have learned explain one. */
const STEPS_APART = 2;
/** So often in a row such a decision is followed before what was observed counts. */
const FOLLOWED_MAX = 3;

/** What Reflexia's sample asks for by itself, read with the published thresholds and nothing learned. */
export interface Observed {
  asks: Decision;
  because: string[];
}

export function observe(sample: DeviceSample, thresholds: Thresholds): Observed {
  const because: string[] = [];
  let worst = 0;
  const ask = (decision: Decision, why: string) => {
    worst = Math.max(worst, decisions.indexOf(decision));
    because.push(why);
  };
  const figure = (name: string, value: number | undefined, { monitor, reduce }: Levels) => {
    if (value !== undefined && value > reduce) ask('reduce_load', `${name} ${value.toFixed(1)}`);
    else if (value !== undefined && value > monitor) ask('monitor', `${name} ${value.toFixed(1)}`);
  };
  figure('cpu', sample.cpu, thresholds.cpu);
  figure('ram', sample.ram, thresholds.ram);
  figure('disk', sample.disk, DISK);
  const { temperature_c: temperature = 0 } = sample;
  const { monitor, reduce } = thresholds.temperatureC;
  const warm: [Decision, number][] = [
    ['emergency_shutdown', EMERGENCY_C],
    ['reduce_load', reduce],
    ['monitor', monitor],
  ];
  const reached = warm.find(([, from]) => temperature >= from);
  if (reached !== undefined) ask(reached[0], `temperature_c ${temperature.toFixed(1)}`);
  if (sample.throttled) ask('reduce_load', 'throttled');
  if ((sample.event_loop_delay_ms ?? 0) >= BLOCKED_MS) ask('reduce_load', 'event_loop_blocked');
  return { asks: decisions[worst]!, because };
}

/** Two views of one sample that do not go together, and the rule that settled it. */
export interface Contradiction {
  fault: 'milder_than_observed' | 'worse_than_observed';
  observed: Decision;
  because: string[];
  decided: Decision;
  rule: 'worse_view' | 'observed_view';
  acted: Decision;
}

/**
 * Settles what Reflexia observed and ZeroIA decided. The worse view is acted on; only a decision that is two steps worse than anything
 * observed, which no cooldown holds, is followed three times and then no more.
 */
export class Resolver {
  #followed = 0;

  resolve(observed: Observed, { decision, reasons }: Score): { acted: Decision; found?: Contradiction } {
    const apart = decisions.indexOf(decision) - decisions.indexOf(observed.asks);
    const held = reasons.some((reason) => reason.startsWith('held_'));
    const worse = apart >= STEPS_APART && !held;
    this.#followed = worse ? this.#followed + 1 : 0;
    if (apart >= 0 && !worse) return { acted: decision };
    const observedCounts = apart < 0 || this.#followed > FOLLOWED_MAX;
    const acted = observedCounts ? observed.asks : decision;
    return {
      acted,
      found: {
        fault: worse ? 'worse_than_observed' : 'milder_than_observed',
        observed: observed.asks,
        because: observed.because,
        decided: decision,
        rule: worse && observedCounts ? 'observed_view' : 'worse_view',
        acted,
      },
    };
  }
}
