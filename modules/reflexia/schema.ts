import { z } from 'zod';
import { forecastFigures, powerSources } from '../../runtime/contracts/device.js';
import { figureNames, figures } from './figures.js';

const power = z.object({
  watts: z.number(),
  source: z
    .enum(powerSources)
    .describe(
      'pmic: a Raspberry Pi 5; rapl: an x86 processor; powermetrics: a Mac; model: reckoned from the load',
    ),
  estimated: z.boolean().describe('Whether it is reckoned and not measured'),
  instead_of: z.string().optional().describe('Better sources of this device, and why they did not tell'),
});

const energy = z.object({
  joules: z.number().describe('Since the start'),
  prompt_joules: z.number().describe('Of it while at least one prompt ran'),
  prompts: z.number().describe('Prompts that were answered'),
  tokens: z.number().describe('Tokens of their answers, where engines tell'),
  joules_per_request: z.number().optional(),
  joules_per_token: z.number().optional(),
});

const forecast = z.object({
  state: z
    .enum(['learning', 'good', 'muted'])
    .describe('learning: not judged often enough yet; muted: it has been wrong, nobody acts on it'),
  horizon_ms: z.number(),
  value: z.number().describe('Expected at the horizon'),
  limit: z.number().describe('Where the chip throttles, or memory or card are full'),
  crosses_in_ms: z.number().nullable().describe('When the limit is expected; null: not within the horizon'),
  mase: z
    .number()
    .nullable()
    .describe('Error of its forecasts over the horizon, divided by that of "it stays as it is"'),
  judged: z.number().int().describe('Forecasts that were held against what came'),
});

const sample = z.object({
  wall_ms: z.number().describe('Wall time in ms since 1970'),
  monotonic_ms: z.number().describe('Ms since the start of the process; never goes back'),
  ...Object.fromEntries(
    figureNames.map((name) => [name, figures[name].schema.optional().describe(figures[name].about)]),
  ),
  cpu_cores: z
    .array(z.number().min(0).max(100))
    .optional()
    .describe('Percent of each core since the sample before'),
  power: power.optional(),
  energy: energy.optional(),
  absent: z.array(z.string()).describe('Values that could not be read'),
});

/** Answer of GET /reflexia/status. */
export const statusAnswer = z.object({
  interval_ms: z.number().describe('Time between two samples'),
  sample: sample.nullable().describe('The last one; null before the first'),
  absent_because: z.record(z.string(), z.string()).describe('Why each absent value is absent'),
  forecasts: z
    .partialRecord(z.enum(forecastFigures), forecast)
    .describe('Where figures are going; a figure that cannot be read has none'),
  history: z.array(sample).describe('The last 120 samples, oldest first'),
});
