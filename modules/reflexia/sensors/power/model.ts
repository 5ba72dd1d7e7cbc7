import { cpuSensor, parseCoreStats } from '../cpu.js';
import { type Machine, readIfThere } from '../sensor.js';
import type { PowerSource } from './source.js';

/** Watts with nothing to do and with all cores busy. */
interface Span {
  idleW: number;
  fullW: number;
}

/** By the beginning of the model's name. Each is somebody's measurement of the whole board at the plug. */
const known: { model: string; span: Span }[] = [
  // pidramble.com/wiki/benchmarks/power-consumption: 540 mA and 1,280 mA at 5 V.
  { model: 'Raspberry Pi 4', span: { idleW: 2.7, fullW: 6.4 } },
  // Apple, "Mac mini power consumption and thermal output" (support.apple.com/103253), M1, 2020.
  { model: 'Macmini9,1', span: { idleW: 6.8, fullW: 39 } },
];

/**
 * For any other machine: what Cloud Carbon Footprint reckons for a virtual processor, its mean over Amazon's
 * (cloudcarbonfootprint.org/docs/methodology, "Energy Estimate"): the processor only, and off by a factor of two either way.
 */
const perCore: Span = { idleW: 0.74, fullW: 3.5 };

async function modelOf(machine: Machine, signal: AbortSignal): Promise<string> {
  if (machine.platform === 'darwin') return machine.run('/usr/sbin/sysctl', ['-n', 'hw.model'], signal);
  return (await readIfThere(machine, '/proc/device-tree/model', signal)) ?? '';
}

async function coresOf(machine: Machine, signal: AbortSignal): Promise<number> {
  if (machine.platform !== 'linux') return machine.coreTimes().length;
  return parseCoreStats(await machine.readText('/proc/stat', signal)).size;
}

/**
 * The power that the load of the processor lets one expect: a straight line from idle to full. What is configured counts more than what
 * is known of the model.
 */
export function modelSource(
  machine: Machine,
  configured: { idleW?: number | undefined; fullW?: number | undefined },
): PowerSource {
  const cpu = cpuSensor(machine);
  let span: Span | undefined;
  return {
    name: 'model',
    async read(signal) {
      if (span === undefined) {
        const model = (await modelOf(machine, signal)).trim();
        const cores = await coresOf(machine, signal);
        const assumed = known.find((entry) => model.startsWith(entry.model))?.span ?? {
          idleW: perCore.idleW * cores,
          fullW: perCore.fullW * cores,
        };
        span = { idleW: configured.idleW ?? assumed.idleW, fullW: configured.fullW ?? assumed.fullW };
      }
      const percent = await cpu.read(signal);
      if (percent === undefined) return 'later';
      return span.idleW + ((span.fullW - span.idleW) * percent) / 100;
    },
  };
}
