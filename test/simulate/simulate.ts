import { mkdtempSync, rmSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../runtime/config/schema.js';
import type { Config } from '../../runtime/contracts/module.js';
import { seeded } from '../../runtime/guard/training/random.js';
import { type IncidentStorage, incidentFile } from '../../runtime/recovery/incident-file.js';
import { type Appliance, boot } from './appliance.js';
import { cardWriter } from './card.js';
import { Clients, type Traffic, usualTraffic } from './clients.js';
import { Device } from './device.js';
import { ModelServers } from './engines.js';
import { faultNames, scheduleFaults } from './faults.js';
import { restingHabits } from './resting.js';
import { Trace } from './trace.js';
import { VirtualTime } from './virtual-time.js';
import { type Violation, Watch } from './watch.js';
import type { Sabotage, World } from './world.js';

export interface SimulationOptions {
  seed: number;
  hours: number;
  /** Kinds of faults that may happen; all unless given. */
  faults?: readonly string[];
  faultsPerHour?: number;
  traffic?: Traffic;
  /** Beside those that a simulation has. */
  settings?: object;
  /** Nobody asks for anything and nothing breaks; the device has the habits of one that is left alone, and its settings are the defaults. */
  atRest?: boolean;
  /**
   * The data folder, an empty one, which stays: incidents and what modules have learned lie there as files, as in life. Unless given it is in
   * memory, those two are kept apart, and nothing stays.
   */
  folder?: string | undefined;
  /** Called so often from a time of the run on, with the appliance in the middle of it. */
  looks?: { fromMs: number; everyMs: number; look(): void };
  /** A rule to break on purpose: for tests. */
  sabotage?: Sabotage | undefined;
  /** Called now and then with the hours that are through. */
  onProgress?: (hours: number) => void;
}

export interface SimulationResult {
  seed: number;
  hours: number;
  /** How many times faster than life it ran, by the time of the processor: what else runs on this machine does not count. */
  factor: number;
  tookMs: number;
  /** Of it, what the processor worked for it. */
  cpuMs: number;
  /** SHA-256 of the whole trace: the same for the same seed. */
  digest: string;
  violation: Violation | undefined;
  tail: string[];
  counts: {
    steps: number;
    lines: number;
    requests: number;
    answered: Record<number, number>;
    unanswered: number;
    acknowledged: number;
    level_changes: number;
    restarts: number;
    called_again: number;
    passed_on: number;
  };
}

const hourMs = 3_600_000;
const wallStartMs = Date.UTC(2026, 6, 1);
const healthMs = 60_000;
const defaultFaultsPerHour = 1.5;

/** The settings of the appliance that is simulated: the defaults, a small ledger, and two model servers. */
const settings = {
  core: { offload: 'never' },
  engines: { order: ['ollama', 'openai', 'navigator'] },
  ledger: { size_limit_bytes: 50_000_000 },
} as const;

/** Nothing but the one thread of the simulation. */
const settingsAtRest = { core: { offload: 'never' } } as const;
const noTraffic: Traffic = { chatsPerHour: 0, decisionsPerHour: 0, looksPerHour: 0 };

/** Runs the appliance in virtual time until the hours are through or an invariant is violated. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  if (options.folder !== undefined) return new Simulation(options, options.folder).run();
  const folder = mkdtempSync(join(await fastFolder(), 'arkalia-simulation-'));
  try {
    return await new Simulation(options, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Memory where the machine has a file system of it: the card is modelled, and a real disk would only make it slower. */
async function fastFolder(): Promise<string> {
  try {
    await access('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #world: World;
  readonly #clients: Clients;
  readonly #declared: Config;
  #appliance: Appliance | undefined;
  #steps = 0;
  #healthDueMs = 0;
  #readDueMs = hourMs;
  #toldHours = 0;

  constructor(options: SimulationOptions, folder: string) {
    this.#options = options;
    const { seed, sabotage, atRest = false } = options;
    const declared = { ...(atRest ? settingsAtRest : settings), ...options.settings };
    this.#declared = configSchema.parse(declared);
    const time = new VirtualTime(wallStartMs);
    const trace = new Trace(() => time.nowMs);
    const device = new Device(atRest ? restingHabits(seeded(seed ^ 0x1b87_3593)) : undefined);
    const kept = (name: string) =>
      options.folder === undefined ? inMemory() : inFile(join(folder, name), { time, device });
    this.#world = {
      time,
      trace,
      folder,
      sabotage,
      device,
      servers: new ModelServers(),
      config: configSchema.parse({
        ...declared,
        data_dir: folder,
        ...brokenSettings(sabotage),
      }),
      random: seeded(seed),
      watch: new Watch(this.#declared, {
        trace,
        nowMs: () => time.nowMs,
        file: join(folder, 'ledger.sqlite'),
      }),
      incidents: kept('incidents.json'),
      states: kept('states.json'),
      boots: 0,
      deathChance: 0.001,
      restart: () => this.#restart(true),
    };
    this.#clients = new Clients(this.#world, seeded(seed ^ 0x5bd1_e995), () => this.#appliance);
  }

  async run(): Promise<SimulationResult> {
    const {
      seed,
      hours,
      atRest = false,
      faults = atRest ? [] : faultNames,
      faultsPerHour = defaultFaultsPerHour,
      traffic = atRest ? noTraffic : usualTraffic,
      looks,
    } = this.#options;
    const { time, trace, watch } = this.#world;
    const began = performance.now();
    const usedBefore = process.cpuUsage();
    await this.#boot();
    this.#clients.start(traffic);
    scheduleFaults(
      this.#world,
      {
        burst: () => this.#clients.burst(),
        restart: (clean) => this.#restart(clean),
        killWorker: () => this.#appliance?.engines.kill(),
      },
      { names: faults, perHour: faultsPerHour, random: seeded(seed ^ 0x2545_f491) },
    );
    if (looks !== undefined) {
      const { look, fromMs, everyMs } = looks;
      const again = () => {
        time.setTimer(again, everyMs);
        look();
      };
      time.setTimer(again, fromMs);
    }
    await time.run(hours * hourMs, () => this.#step());
    watch.checkLedger();
    this.#appliance?.kill();
    const tookMs = performance.now() - began;
    const { user, system } = process.cpuUsage(usedBefore);
    const cpuMs = (user + system) / 1000;
    return {
      seed,
      hours: time.nowMs / hourMs,
      factor: time.nowMs / cpuMs,
      tookMs,
      cpuMs,
      digest: trace.digest(),
      violation: watch.violation,
      tail: trace.tail(),
      counts: {
        steps: this.#steps,
        lines: trace.lines,
        requests: watch.requests,
        answered: this.#clients.answered,
        unanswered: this.#clients.unanswered,
        acknowledged: watch.acknowledged,
        level_changes: watch.changes,
        restarts: this.#world.boots - 1,
        called_again: watch.again,
        passed_on: watch.passedOn,
      },
    };
  }

  /** Everything that must hold, after everything that happened. */
  #step(): boolean | Promise<boolean> {
    this.#steps++;
    const { time, watch } = this.#world;
    const appliance = this.#appliance;
    if (appliance !== undefined) {
      this.#checkBounds(appliance);
      if (appliance.level() === 'survival' || time.nowMs >= this.#healthDueMs) {
        this.#healthDueMs = time.nowMs + healthMs;
        return this.#askHealth(appliance);
      }
    }
    return watch.violation === undefined;
  }

  #checkBounds(appliance: Appliance): void {
    const { watch } = this.#world;
    const { queueShare } = appliance.limits();
    for (const [engine, { waiting, busy }] of Object.entries(watch.isBusy ? appliance.queues() : {})) {
      const { queue_max } = this.#declared.engines[engine as 'ollama'];
      watch.bounded(`the queue of ${engine}`, waiting, Math.ceil(queue_max * queueShare));
      watch.slots(engine, busy);
    }
    watch.bounded('the ledger', watch.pending, this.#declared.ledger.queue_max);
    watch.repairs(appliance.healer);
  }

  async #askHealth(appliance: Appliance): Promise<boolean> {
    const { time, watch, trace } = this.#world;
    const { status } = await appliance.front.ask({ method: 'GET', path: '/health', client: 'monitor' });
    if (status !== 200) watch.fail('health', `GET /health answered ${status} at level ${appliance.level()}`);
    if (time.nowMs >= this.#readDueMs) {
      this.#readDueMs = time.nowMs + hourMs;
      trace.count(`level ${appliance.level()}, ${this.#world.device.temperatureC.toFixed(3)} C`);
      watch.checkLedger();
    }
    const hours = Math.floor(time.nowMs / hourMs);
    if (hours > this.#toldHours) {
      this.#toldHours = hours;
      this.#options.onProgress?.(hours);
    }
    return watch.violation === undefined;
  }

  async #boot(): Promise<void> {
    const { trace } = this.#world;
    this.#world.boots++;
    this.#appliance = await boot(this.#world);
    trace.add(`started, life ${this.#world.boots}`);
  }

  /** Ends this life of the process; the next begins a little later. */
  #restart(clean: boolean): void {
    const { time, random, trace, watch } = this.#world;
    const appliance = this.#appliance;
    if (appliance === undefined) return;
    this.#appliance = undefined;
    trace.add(clean ? 'stops in good order' : 'the power goes');
    const again = () => {
      watch.checkLedger();
      time.setTimer(
        () => {
          this.#boot().catch((error: unknown) =>
            watch.fail('no_surprise', `it did not start: ${String(error)}`),
          );
        },
        2000 + 60_000 * random(),
      );
    };
    if (!clean) {
      appliance.kill();
      again();
      return;
    }
    appliance
      .stop()
      .then(again, (error: unknown) => watch.fail('no_surprise', `it did not stop: ${String(error)}`));
  }
}

/** Stands for a file that outlives the process. */
function inMemory(): IncidentStorage {
  let kept: string | undefined;
  return {
    read: async () => kept,
    write: async (text) => {
      kept = text;
    },
  };
}

/** A real file on the modelled card; time stands still while it is read. */
function inFile(path: string, { time, device }: Pick<World, 'time' | 'device'>): IncidentStorage {
  const file = incidentFile(path, cardWriter(device));
  return { ...file, read: () => time.hold(file.read()) };
}

/** Settings that are other than those declared: a rule broken on purpose. */
function brokenSettings(sabotage: Sabotage | undefined): object {
  if (sabotage === 'double_probe') return { breaker: { half_open_permits: 3 } };
  if (sabotage === 'wide_thresholds') return { zeroia: { adapt_lowered_max: 0.5 } };
  if (sabotage !== 'no_cooldown') return {};
  const cooldown = { light_ms: 0, moderate_ms: 0, heavy_ms: 0, emergency_ms: 0, survival_ms: 0 };
  return { degradation: { cooldown } };
}
