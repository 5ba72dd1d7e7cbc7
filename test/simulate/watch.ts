import type { Levels } from '../../runtime/contracts/decision.js';
import type { DegradationLevel, LevelChange } from '../../runtime/contracts/device.js';
import { levels } from '../../runtime/contracts/device.js';
import type { Receipt } from '../../runtime/contracts/ledger.js';
import type { Config } from '../../runtime/contracts/module.js';
import { readBack } from './read-back.js';
import type { Trace } from './trace.js';

/** What must hold at every step. */
export const invariants = {
  no_event_lost: 'an event that was acknowledged is in the ledger, in its place, with its hash',
  permits: 'a slot and a probe have one owner: never more of them are out than are allowed',
  cooldown: 'the level improves one step at a time, each after the cooldown of the level that is left',
  breaker_probed: 'a breaker is never open for longer than its longest time, and then lets a probe through',
  health: 'GET /health answers 200 at every level',
  bounded: 'no queue holds more than its bound',
  no_storm:
    'for at most 20 % of the requests a model server is asked twice, and repairs are tried in at most 20 % of the looks',
  thresholds:
    'what was learned never leaves its bounds: no threshold is above its base, nor lowered by more than is allowed',
  no_surprise: 'nothing fails in a way that nobody foresaw',
} as const;
export type Invariant = keyof typeof invariants;

export interface Violation {
  invariant: Invariant;
  what: string;
  atMs: number;
}

/** Of the event `threshold_adjusted`. */
export interface ThresholdMove {
  figure: string;
  base: Levels;
  new: Levels;
}

/** Repeats that may be saved up before the share counts. */
const repeatsReserve = 10;
const repeatsShare = 0.2;
/** Calls and requests of so many hours count together. */
const stormWindowMs = 3_600_000;

/** Sees what the appliance does and promises, and says when it breaks a promise. */
export class Watch {
  readonly #config: Config;
  readonly #trace: Trace;
  readonly #nowMs: () => number;
  readonly #file: string;
  violation: Violation | undefined;
  /** What was acknowledged and not yet read back, by index. */
  readonly #acknowledged = new Map<number, string>();
  #highest = -1;
  acknowledged = 0;
  /** Of the process, counted. */
  life = 0;
  /** Events that wait for the disk. */
  pending = 0;
  #held = 0;
  readonly #holders = new Map<string, number>();
  readonly #probes = new Map<string, { count: number; number: number }>();
  #changed: { level: DegradationLevel; atMs: number } | undefined;
  #calls = new WeakMap<AbortSignal, Set<string>>();
  #storm = { fromMs: 0, requests: 0, again: 0 };
  requests = 0;
  again = 0;
  /** Requests that went on to another model server because one failed. */
  passedOn = 0;
  changes = 0;

  constructor(config: Config, { trace, nowMs, file }: { trace: Trace; nowMs: () => number; file: string }) {
    this.#config = config;
    this.#trace = trace;
    this.#nowMs = nowMs;
    this.#file = file;
  }

  /** The first one counts. */
  fail(invariant: Invariant, what: string): void {
    if (this.violation !== undefined) return;
    this.violation = { invariant, what, atMs: this.#nowMs() };
    this.#trace.add(`VIOLATED ${invariant}: ${what}`);
  }

  /** A process began: nobody holds anything, and its level is normal. */
  booted(): void {
    this.pending = 0;
    this.life++;
    this.#held = 0;
    this.#holders.clear();
    this.#probes.clear();
    this.#changed = undefined;
  }

  acknowledge({ index, leaf_hash }: Receipt): void {
    this.acknowledged++;
    if (this.#acknowledged.has(index)) this.fail('no_event_lost', `index ${index} was given twice`);
    this.#acknowledged.set(index, leaf_hash);
    this.#highest = Math.max(this.#highest, index);
  }

  /** Reads from the file what was acknowledged since the last time. */
  checkLedger(): void {
    if (this.#acknowledged.size === 0) return;
    const found = readBack(this.#file, Math.min(...this.#acknowledged.keys()));
    if (found.size <= this.#highest)
      this.fail(
        'no_event_lost',
        `the ledger holds ${found.size} events, and ${this.#highest} was acknowledged`,
      );
    for (const [index, hash] of this.#acknowledged) {
      if (index < found.minimum) continue;
      const kept = found.hashes.get(index);
      if (kept !== hash)
        this.fail(
          'no_event_lost',
          `event ${index} was acknowledged with ${hash.slice(0, 8)} and is ${kept?.slice(0, 8) ?? 'missing'}`,
        );
    }
    this.#acknowledged.clear();
  }

  slotTaken(engine: string): void {
    this.#held++;
    const holders = (this.#holders.get(engine) ?? 0) + 1;
    this.#holders.set(engine, holders);
    this.slots(engine, holders);
  }

  /** @param held Slots that somebody has, by whoever counts. */
  slots(engine: string, held: number): void {
    const most = this.#slotsMax(engine);
    if (held > most) this.fail('permits', `${held} prompts have a slot of ${engine}, which has ${most}`);
  }

  /** Whether somebody has a slot. Else nobody waits for one. */
  get isBusy(): boolean {
    return this.#held > 0;
  }

  slotGiven(engine: string): void {
    this.#held--;
    this.#holders.set(engine, (this.#holders.get(engine) ?? 0) - 1);
  }

  /** @param number Which half-open time it belongs to. */
  probeTaken(engine: string, number: number): void {
    const probes = this.#probes.get(engine);
    const count = probes?.number === number ? probes.count + 1 : 1;
    this.#probes.set(engine, { count, number });
    const most = this.#config.breaker.half_open_permits;
    if (count > most) this.fail('permits', `${count} probes of ${engine} are out, ${most} may be`);
  }

  probeGiven(engine: string, number: number): void {
    const probes = this.#probes.get(engine);
    if (probes?.number === number) probes.count--;
  }

  levelChanged({ from, to, reason }: LevelChange): void {
    const nowMs = this.#nowMs();
    this.changes++;
    this.#trace.add(`level ${from} -> ${to}: ${reason}`);
    const down = levels.indexOf(from) - levels.indexOf(to);
    if (down > 1) this.fail('cooldown', `the level went from ${from} to ${to} at once`);
    if (down > 0 && from !== 'normal' && this.#changed?.level === from) {
      const stoodMs = nowMs - this.#changed.atMs;
      const cooldownMs = this.#config.degradation.cooldown[`${from}_ms`];
      if (stoodMs < cooldownMs)
        this.fail(
          'cooldown',
          `${from} was left for ${to} after ${Math.round(stoodMs)} ms; its cooldown is ${cooldownMs} ms`,
        );
    }
    this.#changed = { level: to, atMs: nowMs };
  }

  /** A prompt of a client was let in. */
  asked(): void {
    this.requests++;
    this.#window().requests++;
  }

  /** A model server is asked. @param signal Stands for the request. */
  called(engine: string, signal: AbortSignal): void {
    const before = this.#calls.get(signal) ?? new Set();
    this.#calls.set(signal, before);
    this.#trace.count(`call ${engine}`);
    if (!before.has(engine)) {
      if (before.size > 0) this.passedOn++;
      before.add(engine);
      return;
    }
    this.again++;
    const window = this.#window();
    window.again++;
    if (window.again > repeatsReserve + repeatsShare * window.requests)
      this.fail(
        'no_storm',
        `model servers were asked again ${window.again} times in ${window.requests} requests`,
      );
  }

  repairs({ tried, looks }: { tried: number; looks: number }): void {
    // Each of the checks earns its share at each look.
    if (tried > repeatsReserve + repeatsShare * looks * checksMost)
      this.fail('no_storm', `${tried} repairs were tried in ${looks} looks`);
  }

  /** A threshold of the device moved, or was put back. */
  thresholdMoved({ figure, base, new: moved }: ThresholdMove): void {
    const lowest = 1 - this.#config.zeroia.adapt_lowered_max;
    for (const edge of ['monitor', 'reduce'] as const)
      if (moved[edge] > base[edge] || moved[edge] < base[edge] * lowest)
        this.fail('thresholds', `${edge} of ${figure} is ${moved[edge]}, its base ${base[edge]}`);
  }

  bounded(name: string, count: number, most: number): void {
    if (count > most) this.fail('bounded', `${name} holds ${count}, ${most} may`);
  }

  #slotsMax(engine: string): number {
    const { slots } = this.#config.engines[engine as keyof Config['engines'] & ('ollama' | 'navigator')];
    return typeof slots === 'number' ? slots : this.#config.sandbox.workers;
  }

  #window() {
    if (this.#nowMs() - this.#storm.fromMs >= stormWindowMs)
      this.#storm = { fromMs: this.#nowMs(), requests: 0, again: 0 };
    return this.#storm;
  }
}

/** Checks of the healer, at most. */
const checksMost = 16;
