import { pick } from '../../runtime/guard/training/random.js';
import { type EngineMode, type ModelEngine, modelEngines } from './engines.js';
import type { World } from './world.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export interface FaultHands {
  burst(): void;
  /** @param clean In good order, or as when the power goes. */
  restart(clean: boolean): void;
  killWorker(): void;
}

/** One kind of fault: how long it lasts, what begins it, and what ends it. */
interface Fault {
  minutes: readonly [number, number];
  begin(world: World, hands: FaultHands, random: () => number): () => void;
}

const nothing = () => {};

const sensor = (name: 'temperature' | 'firmware' | 'cpu'): Fault => ({
  minutes: [2, 90],
  begin({ device }, _, random) {
    device.faults.sensors[name] = pick(['gone', 'hangs', 'garbage'], random);
    return () => delete device.faults.sensors[name];
  },
});

const engine = (modes: readonly EngineMode[], minutes: Fault['minutes']): Fault => ({
  minutes,
  begin({ servers, time }, _, random) {
    const name: ModelEngine = pick(modelEngines, random);
    servers.mode[name] = pick(modes, random);
    return () => {
      servers.mode[name] = 'well';
      servers.wellSinceMs[name] = time.nowMs;
    };
  },
});

/** Every kind of fault, by name. */
const faults: Record<string, Fault> = {
  engine_down: engine(['down'], [1, 60]),
  engine_slow: engine(['slow'], [5, 60]),
  engine_lying: engine(['lying', 'overloaded'], [2, 45]),
  engine_silent: engine(['silent', 'dying'], [2, 30]),
  temperature_gone: sensor('temperature'),
  firmware_gone: sensor('firmware'),
  processor_gone: sensor('cpu'),
  clock_jump: {
    minutes: [1, 240],
    begin({ time }, _, random) {
      const byMs = (random() < 0.5 ? -1 : 1) * random() * 26 * hourMs;
      time.jumpWall(byMs);
      return () => time.jumpWall(-byMs);
    },
  },
  disk_full: {
    minutes: [1, 40],
    begin({ device }, _, random) {
      if (random() < 0.5) device.faults.diskRefuses = true;
      else device.faults.diskTaken = 0.7;
      return () => {
        device.faults.diskRefuses = false;
        device.faults.diskTaken = 0;
      };
    },
  },
  disk_nearly_full: {
    minutes: [30, 240],
    begin({ device }, _, random) {
      device.faults.diskTaken = 0.46 + 0.14 * random();
      return () => {
        device.faults.diskTaken = 0;
      };
    },
  },
  card_slow: {
    minutes: [1, 60],
    begin({ device }, _, random) {
      device.faults.diskSlow = 5 + 60 * random();
      return () => {
        device.faults.diskSlow = 1;
      };
    },
  },
  sandbox_deaths: {
    minutes: [1, 20],
    begin(world, hands, random) {
      world.deathChance = 0.2 + 0.6 * random();
      for (let i = 0; i < 3; i++) hands.killWorker();
      return () => {
        world.deathChance = 0.001;
      };
    },
  },
  heat_wave: {
    minutes: [60, 600],
    begin({ device }, _, random) {
      device.faults.heatC = 8 + 22 * random();
      return () => {
        device.faults.heatC = 0;
      };
    },
  },
  fan_broken: {
    minutes: [20, 300],
    begin({ device }) {
      device.faults.fanBroken = true;
      return () => {
        device.faults.fanBroken = false;
      };
    },
  },
  memory_taken: {
    minutes: [2, 60],
    begin({ device }, _, random) {
      device.faults.memoryTaken = 0.1 + 0.7 * random();
      return () => {
        device.faults.memoryTaken = 0;
      };
    },
  },
  processor_taken: {
    minutes: [1, 60],
    begin({ device, time }, _, random) {
      device.advance(time.nowMs);
      device.faults.cpuTaken = 0.3 + 0.7 * random();
      return () => {
        device.advance(time.nowMs);
        device.faults.cpuTaken = 0;
      };
    },
  },
  loop_blocked: {
    minutes: [1, 3],
    begin({ device }, _, random) {
      device.faults.loopDelayMs = 500 + 9500 * random();
      return () => {
        device.faults.loopDelayMs = 3;
      };
    },
  },
  burst: {
    minutes: [1, 1],
    begin(_, hands) {
      hands.burst();
      return nothing;
    },
  },
  restart: {
    minutes: [1, 1],
    begin(_, hands) {
      hands.restart(true);
      return nothing;
    },
  },
  power_cut: {
    minutes: [1, 1],
    begin(_, hands) {
      hands.restart(false);
      return nothing;
    },
  },
};

export const faultNames = Object.keys(faults);

/** Draws faults one after another from the seed, `perHour` of them on average; they may overlap, but none with its own kind. */
export function scheduleFaults(
  world: World,
  hands: FaultHands,
  { names, perHour, random }: { names: readonly string[]; perHour: number; random: () => number },
): void {
  if (names.length === 0 || perHour === 0) return;
  const { time, trace } = world;
  const active = new Set<string>();
  const next = () => {
    time.setTimer(next, -Math.log(1 - random()) * (hourMs / perHour));
    const name = pick(names, random);
    const fault = faults[name]!;
    const [least, most] = fault.minutes;
    const forMs = (least + (most - least) * random()) * minuteMs;
    // Two engine faults would end each other's.
    const kind = name.startsWith('engine') ? 'engine' : name.startsWith('disk') ? 'disk' : name;
    if (active.has(kind)) return;
    active.add(kind);
    trace.add(`fault ${name} for ${Math.round(forMs / minuteMs)} min`);
    const end = fault.begin(world, hands, random);
    time.setTimer(() => {
      active.delete(kind);
      trace.count(`fault ${name} is over`);
      end();
    }, forMs);
  };
  time.setTimer(next, -Math.log(1 - random()) * (hourMs / perHour));
}
