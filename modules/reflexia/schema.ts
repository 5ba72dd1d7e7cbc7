import { z } from 'zod';

const percent = z.number().min(0).max(100).optional();

const sample = z.object({
  wall_ms: z.number().describe('Wall time in ms since 1970'),
  monotonic_ms: z.number().describe('Ms since the start of the process; never goes back'),
  cpu: percent.describe('Percent of all cores since the sample before'),
  ram: percent.describe('Percent of memory that is not available'),
  disk: percent.describe('Percent used on the file system of the data folder'),
  temperature_c: z.number().optional().describe('Processor, degrees Celsius'),
  throttled: z.boolean().optional().describe('Whether the firmware slows the processor now'),
  event_loop_delay_ms: z
    .number()
    .optional()
    .describe('Longest delay of the event loop since the sample before'),
  load_1m: z.number().optional().describe('Mean number of runnable tasks over a minute'),
  process_rss_bytes: z.number().optional().describe('Resident memory of the server process'),
  absent: z.array(z.string()).describe('Values that could not be read'),
});

/** Answer of GET /reflexia/status. */
export const statusAnswer = z.object({
  interval_ms: z.number().describe('Time between two samples'),
  sample: sample.nullable().describe('The last one; null before the first'),
  absent_because: z.record(z.string(), z.string()).describe('Why each absent value is absent'),
  history: z.array(sample).describe('The last 120 samples, oldest first'),
});
