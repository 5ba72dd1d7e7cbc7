import type { z } from 'zod';
import { digestOf, uncleanMax } from '../config/versions.js';
import type { Clock } from '../contracts/clock.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { StateSpec, StateStatus, States, StateVersions } from '../contracts/state.js';
import type { IncidentStorage } from './incident-file.js';
import { type KeptState, type KeptVersion, parseStates, trialsMax, undoneMax } from './state-file.js';

/** A version that made health worse is not tried again for so long; after a restart the time begins anew. */
const refusedMs = 3_600_000;

export interface StateBookOptions {
  storage: IncidentStorage;
  clock: Clock;
  /** How long a change is on probation; undefined: none is, and nothing is undone. */
  probationMs: number | undefined;
  /** Ids of the incidents that are there and go on: one more is worse health. */
  openIncidents(): string[];
  /** Why the process before this one ended, if it did not end by itself and was replaced by this one. */
  restarted: string | undefined;
  record(event: NewEvent): void;
  /** Told of a file that cannot be read or written, and of a module that cannot go back; what is known goes on in memory. */
  onError(error: unknown): void;
}

/** What there is in memory besides what is kept. */
interface Live {
  kept: KeptState;
  /** When each trial's probation ends, as `kept.trials`. */
  endsMs: number[];
  refusedUntilMs: Map<string, number>;
  restore?: (value: unknown, why: string) => void | Promise<void>;
}

/**
 * Versions of what modules have learned, in the data folder. As with the configuration, health is worse when an incident is opened that was
 * not there before, when the process was ended and replaced, or ended badly twice. Then every change since the last good version is undone,
 * in the running appliance without a restart.
 */
export class StateBook implements States {
  readonly #options: StateBookOptions;
  readonly #states = new Map<string, Live>();
  /** In sentences: what the end of the process before this one undid. */
  readonly undoneAtStart: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: StateBookOptions) {
    this.#options = options;
  }

  /** A file that cannot be read is told, and all is learned anew. What was on probation begins its probation again, or is undone. */
  static async open(options: StateBookOptions): Promise<StateBook> {
    const book = new StateBook(options);
    try {
      const text = await options.storage.read();
      for (const [name, kept] of Object.entries(text === undefined ? {} : parseStates(text)))
        book.#states.set(name, book.#live(kept));
    } catch (error) {
      options.onError(error);
    }
    await book.#began();
    return book;
  }

  open<T>({ name, schema, initial, restore }: StateSpec<T>): StateVersions<T> {
    let live = this.#states.get(name);
    if (live?.restore !== undefined) throw new RangeError(`the state ${name} is opened twice`);
    if (live === undefined || !areAll(schema, live.kept)) {
      if (live !== undefined)
        this.#options.onError(new Error(`what was kept of ${name} does not fit any more and is forgotten`));
      live = this.#live({
        good: this.#version(initial, 'nothing was learned yet'),
        trials: [],
        incidents: [],
        unclean: 0,
        undone: [],
      });
      this.#states.set(name, live);
    }
    const state = live;
    state.restore = (value, why) => restore(schema.parse(value), why);
    return {
      current: () => schema.parse(inForce(state.kept).value),
      mayChange: (value) => this.#mayChange(state, value),
      change: (value, why, { probation = true } = {}) =>
        this.#change(
          name,
          state,
          this.#version(value, why),
          probation ? this.#options.probationMs : undefined,
        ),
    };
  }

  /** Ends probations that are over, and undoes what made health worse. */
  async look(): Promise<void> {
    const onProbation = [...this.#states].filter(([, { kept }]) => kept.trials.length > 0);
    if (onProbation.length === 0) return;
    const open = this.#options.openIncidents();
    const nowMs = this.#options.clock.monotonicMs();
    let changed = false;
    for (const [name, live] of onProbation) {
      const { kept, endsMs } = live;
      const worse = open.find((id) => !kept.incidents.includes(id));
      if (worse !== undefined) {
        this.#undo(name, live, `the incident ${worse} was opened during its probation`);
        changed = true;
      } else changed = passed(kept, endsMs, nowMs) || changed;
    }
    if (changed) await this.#save();
  }

  /** In good order: what is on probation goes on with it at the next start. */
  async close(): Promise<void> {
    for (const { kept } of this.#states.values()) kept.unclean = Math.max(0, kept.unclean - 1);
    if (this.#states.size > 0) await this.#save();
  }

  status(): StateStatus[] {
    return [...this.#states].map(([name, { kept }]) => {
      const { version, since_ms, why } = inForce(kept);
      const { good, trials, undone } = kept;
      return {
        ...{ name, version, since_ms, why, good: good.version },
        on_probation: trials.length,
        undone: undone.map((one) => ({ ...one })),
      };
    });
  }

  async #began(): Promise<void> {
    const { restarted } = this.#options;
    let changed = false;
    for (const [name, live] of this.#states) {
      const { kept } = live;
      if (kept.trials.length === 0) continue;
      changed = true;
      const why =
        restarted !== undefined
          ? `the server ended during its probation (${restarted})`
          : kept.unclean >= uncleanMax
            ? `the server did not end in good order ${kept.unclean} times during its probation`
            : undefined;
      if (why === undefined) kept.unclean += 1;
      else {
        this.#undo(name, live, why);
        this.undoneAtStart.push(`${name}: what was learned last was undone: ${why}`);
      }
    }
    if (changed) await this.#save();
  }

  #mayChange({ kept, refusedUntilMs }: Live, value: unknown): boolean {
    const version = digestOf(value);
    if (version === kept.good.version) return true;
    const untilMs = refusedUntilMs.get(version) ?? Number.NEGATIVE_INFINITY;
    return this.#options.clock.monotonicMs() >= untilMs && kept.trials.length < trialsMax;
  }

  async #change(name: string, live: Live, next: KeptVersion, probationMs: number | undefined): Promise<void> {
    const { kept, endsMs } = live;
    if (inForce(kept).version === next.version) return;
    if (probationMs === undefined || next.version === kept.good.version) {
      // Nothing is left to undo.
      if (probationMs === undefined) kept.good = next;
      settle(kept, endsMs);
    } else {
      if (!this.#mayChange(live, next.value))
        throw new RangeError(`the state ${name} may not be changed to ${next.version} now`);
      if (kept.trials.length === 0) {
        kept.incidents = this.#options.openIncidents();
        kept.unclean = 1;
      }
      kept.trials.push(next);
      endsMs.push(this.#options.clock.monotonicMs() + probationMs);
    }
    await this.#save();
  }

  /** Every change since the last good version: which of them it was nobody knows. The module is not waited for. */
  #undo(name: string, live: Live, why: string): void {
    const { kept, endsMs, refusedUntilMs } = live;
    const { clock, record, onError } = this.#options;
    const { version: back_to, value } = kept.good;
    const { version } = inForce(kept);
    for (const trial of kept.trials) {
      const undone = { version: trial.version, back_to, why, at_ms: clock.wallMs() };
      kept.undone = [...kept.undone.filter((one) => one.version !== trial.version), undone].slice(-undoneMax);
      refusedUntilMs.set(trial.version, clock.monotonicMs() + refusedMs);
    }
    const known = new Set(kept.undone.map((one) => one.version));
    for (const refused of refusedUntilMs.keys()) if (!known.has(refused)) refusedUntilMs.delete(refused);
    settle(kept, endsMs);
    record({ type: 'state_rolled_back', module: 'kernel', data: { state: name, version, back_to, why } });
    if (live.restore === undefined) return;
    Promise.resolve(live.restore(value, why)).catch(onError);
  }

  #live(kept: KeptState): Live {
    const nowMs = this.#options.clock.monotonicMs();
    const endMs = nowMs + (this.#options.probationMs ?? 0);
    const refused = kept.undone.map(({ version }) => [version, nowMs + refusedMs] as const);
    return { kept, endsMs: kept.trials.map(() => endMs), refusedUntilMs: new Map(refused) };
  }

  #version(value: unknown, why: string): KeptVersion {
    const copy = structuredClone(value) as KeptVersion['value'];
    return { version: digestOf(value), since_ms: this.#options.clock.wallMs(), why, value: copy };
  }

  /** One write after another; the last one holds everything. */
  #save(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        const all = Object.fromEntries([...this.#states].map(([name, { kept }]) => [name, kept]));
        await this.#options.storage.write(`${JSON.stringify(all, null, 1)}\n`);
      } catch (error) {
        this.#options.onError(error);
      }
    });
    return this.#writing;
  }
}

const inForce = ({ good, trials }: KeptState): KeptVersion => trials.at(-1) ?? good;

function areAll(schema: z.ZodType, { good, trials }: KeptState): boolean {
  return [good, ...trials].every(({ value }) => schema.safeParse(value).success);
}

/** Makes those good whose probation is over. Says whether there were any. */
function passed(kept: KeptState, endsMs: number[], nowMs: number): boolean {
  const over = endsMs.filter((endMs) => endMs <= nowMs).length;
  if (over === 0) return false;
  kept.good = kept.trials[over - 1] ?? kept.good;
  kept.trials.splice(0, over);
  endsMs.splice(0, over);
  if (kept.trials.length === 0) settle(kept, endsMs);
  return true;
}

function settle(kept: KeptState, endsMs: number[]): void {
  kept.trials = [];
  kept.incidents = [];
  kept.unclean = 0;
  endsMs.length = 0;
}
