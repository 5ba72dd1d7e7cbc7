import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { cpuSensor } from './cpu.js';
import { diskSensor } from './disk.js';
import { type DelayHistogram, eventLoopSensor } from './event-loop.js';
import { loadSensor } from './load.js';
import { memorySensor } from './memory.js';
import { ownMemorySensor } from './own-memory.js';
import type { Machine, Sensor } from './sensor.js';
import { temperatureSensor } from './temperature.js';
import { throttledSensor } from './throttled.js';

export interface SensorOptions {
  machine: Machine;
  dataDir: string;
  eventLoop: { histogram: DelayHistogram; resolutionMs: number };
}

/** Every sensor, in the order of the sample's fields. */
export function allSensors({ machine, dataDir, eventLoop }: SensorOptions): Sensor[] {
  return [
    cpuSensor(machine),
    memorySensor(machine),
    diskSensor(dataDir, statfs),
    temperatureSensor(machine),
    throttledSensor(machine),
    eventLoopSensor(eventLoop.histogram, eventLoop.resolutionMs),
    loadSensor(machine.platform, os.loadavg),
    ownMemorySensor(() => process.memoryUsage.rss()),
  ];
}
