import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { Host } from '../host.js';
import { clockPlausibleSensor, clockStepSensor, clockSynchronisedSensor } from './clock.js';
import { cpuSensor } from './cpu.js';
import { cpuCoresSensor } from './cpu-cores.js';
import { diskSensor } from './disk.js';
import { diskFreeSensor } from './disk-free.js';
import { engineErrorsSensor, engineLatencySensor } from './engines.js';
import { type DelayHistogram, eventLoopSensor } from './event-loop.js';
import { garbageSensor } from './garbage.js';
import { externalMemorySensor, heapSensor } from './heap.js';
import { ledgerCommitSensor } from './ledger-commit.js';
import { loadSensor } from './load.js';
import { memorySensor } from './memory.js';
import { networkSensor } from './network.js';
import { ownMemorySensor } from './own-memory.js';
import { poolSensor } from './pool.js';
import { modelSource } from './power/model.js';
import { pmicSource } from './power/pmic.js';
import { powermetricsSource } from './power/powermetrics.js';
import { raplSource } from './power/rapl.js';
import { powerSensor } from './power.js';
import { pressureSensor } from './pressure.js';
import { queueBusySensor, queueWaitingSensor } from './queues.js';
import { sandboxDeathsSensor } from './sandbox-deaths.js';
import type { Machine, Sensor } from './sensor.js';
import { storageWearSensor } from './storage-wear.js';
import { storageWrittenSensor } from './storage-written.js';
import { swapSensor } from './swap.js';
import { temperatureSensor } from './temperature.js';
import { throttledSensor } from './throttled.js';
import { underVoltageSensor } from './under-voltage.js';

export interface SensorOptions {
  /** Each file of it is read and each command run once a sample. */
  machine: Machine;
  host: Host;
  context: ModuleContext;
  eventLoop: { histogram: DelayHistogram; resolutionMs: number };
  /** Time in the garbage collector since the last call. */
  garbageMs: () => number;
}

/** Of the device. */
function deviceSensors({ machine, host, context: { config, clock } }: SensorOptions): Sensor[] {
  const { statfs, loadavg } = host;
  const { power_idle_w: idleW, power_full_w: fullW } = config.reflexia;
  return [
    cpuSensor(machine, { ms: config.reflexia.cpu_window_ms, nowMs: () => clock.monotonicMs() }),
    cpuCoresSensor(machine),
    pressureSensor(machine, 'cpu_pressure'),
    memorySensor(machine),
    pressureSensor(machine, 'memory_pressure'),
    swapSensor(machine),
    diskSensor(config.data_dir, statfs),
    diskFreeSensor(config.data_dir, statfs),
    pressureSensor(machine, 'io_pressure'),
    storageWearSensor(machine),
    storageWrittenSensor(machine),
    temperatureSensor(machine),
    throttledSensor(machine),
    underVoltageSensor(machine),
    powerSensor([
      pmicSource(machine),
      raplSource(machine, () => clock.monotonicMs()),
      powermetricsSource(machine),
      modelSource(machine, { idleW, fullW }),
    ]),
    clockStepSensor(clock),
    clockPlausibleSensor(clock),
    clockSynchronisedSensor(machine),
    networkSensor(machine),
    loadSensor(machine.platform, loadavg),
  ];
}

/** Of our own process and its parts. */
function ownSensors({ host, context, eventLoop, garbageMs }: SensorOptions): Sensor[] {
  const { admission, breakers, latency, ledger, prompts, scorer } = context;
  return [
    eventLoopSensor(eventLoop.histogram, eventLoop.resolutionMs),
    garbageSensor(garbageMs),
    ownMemorySensor(host.residentBytes),
    heapSensor(host.heap),
    externalMemorySensor(host.heap),
    queueWaitingSensor(() => admission.status()),
    queueBusySensor(() => admission.status()),
    poolSensor(() => scorer.batchesOut()),
    engineLatencySensor(() => latency.status('engine')),
    engineErrorsSensor(() => breakers.all()),
    sandboxDeathsSensor(() => prompts.status()),
    ledgerCommitSensor(() => ledger.status()),
  ];
}

/** Every sensor. */
export function allSensors(options: SensorOptions): Sensor[] {
  return [...deviceSensors(options), ...ownSensors(options)];
}
