import { z } from 'zod';
import type { Readings } from './sensors/sensor.js';

/** A value of the sample that is one number or yes and no: what /reflexia/status says of it, and what /metrics makes of it. */
interface Figure {
  schema: z.ZodType;
  about: string;
  /** Its name behind `arkalia_device_`, in Prometheus's base units, and what one of ours is in them. */
  metric: string;
  scale: number;
}

const figure = (schema: z.ZodType, about: string, metric: string, scale = 1): Figure => ({
  schema,
  about,
  metric,
  scale,
});
const percent = (about: string, metric: string) => figure(z.number().min(0).max(100), about, metric, 0.01);
const number = (about: string, metric: string, scale = 1) => figure(z.number(), about, metric, scale);
const flag = (about: string, metric: string) => figure(z.boolean(), about, metric);

export type FigureName = Exclude<keyof Readings, 'cpu_cores' | 'power'>;

/** In the order in which they are shown. */
export const figures: Record<FigureName, Figure> = {
  cpu: percent('Percent of all cores since the sample before', 'cpu_ratio'),
  cpu_pressure: percent('Percent of the last 10 s in which a task waited for a core', 'cpu_pressure_ratio'),
  ram: percent('Percent of memory that is not available', 'memory_ratio'),
  memory_pressure: percent(
    'Percent of the last 10 s in which a task waited for memory',
    'memory_pressure_ratio',
  ),
  swap: percent('Percent of swap in use', 'swap_ratio'),
  disk: percent('Percent used on the file system of the data folder', 'disk_ratio'),
  disk_free_bytes: number('Free on the file system of the data folder', 'disk_free_bytes'),
  io_pressure: percent('Percent of the last 10 s in which a task waited for the disk', 'io_pressure_ratio'),
  storage_wear: percent('Percent of its life that an eMMC says it has used, at most', 'storage_wear_ratio'),
  storage_written_bytes: number(
    'Written to cards and drives since the device started',
    'storage_written_bytes',
  ),
  temperature_c: number('Processor, degrees Celsius', 'temperature_celsius'),
  throttled: flag('Whether the firmware or kernel slows the processor now', 'throttled'),
  under_voltage: flag('Whether the supply voltage is too low now', 'under_voltage'),
  clock_step_ms: number(
    'How far the wall clock moved against the monotonic one since the sample before',
    'clock_step_seconds',
    0.001,
  ),
  clock_plausible: flag('Whether the wall clock is not before this program was made', 'clock_plausible'),
  clock_synchronised: flag('Whether the clock follows a time server', 'clock_synchronised'),
  network_up: flag('Whether some network interface has a link', 'network_up'),
  load_1m: number('Mean number of runnable tasks over a minute', 'load_1m'),
  event_loop_delay_ms: number(
    'Longest delay of the event loop since the sample before',
    'event_loop_delay_seconds',
    0.001,
  ),
  gc_ms: number('Time in the garbage collector since the sample before', 'gc_seconds', 0.001),
  process_rss_bytes: number('Resident memory of the server process', 'process_rss_bytes'),
  heap_bytes: number('JavaScript heap in use', 'heap_bytes'),
  external_bytes: number('Memory outside the heap that it holds', 'external_bytes'),
  queue_waiting: number('Prompts that wait for a slot of an engine', 'queue_waiting'),
  queue_busy: number('Prompts that have a slot', 'queue_busy'),
  pool_batches: number('Batches of decisions at the threads of the pool', 'pool_batches'),
  engine_p90_ms: number(
    'Time that nine in ten calls of the slowest engine stay below, in the last one to two minutes',
    'engine_p90_seconds',
    0.001,
  ),
  engine_errors: number('Failed calls of engines since the sample before', 'engine_errors'),
  sandbox_deaths: number('Workers killed or crashed since the sample before', 'sandbox_deaths'),
  ledger_commit_ms: number(
    'From sending events to the ledger until the disk has them, a moving average',
    'ledger_commit_seconds',
    0.001,
  ),
};

export const figureNames = Object.keys(figures) as FigureName[];
