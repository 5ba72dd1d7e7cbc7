import { z } from 'zod';
import { count, milliseconds, section } from './parts.js';

export const reflexia = section({
  interval_ms: milliseconds(5000, 200, 3_600_000).describe(
    'Time between two samples of the device. Each one costs a few milliseconds of a processor.',
  ),
  cpu_window_ms: milliseconds(60_000, 0, 600_000).describe(
    'Over how long the load of the processor is told and decided on, so that an answer of some seconds by a model on this device is no overload. 0: since the sample before.',
  ),
  power_idle_w: z
    .number()
    .min(0)
    .max(10_000)
    .optional()
    .describe(
      'Power of this device with nothing to do, as you measured it; where the device does not tell its power, it is reckoned from this.',
    ),
  power_full_w: z.number().min(0).max(10_000).optional().describe('The same with all cores busy.'),
  forecast: section({
    horizon_ms: milliseconds(120_000, 10_000, 3_600_000).describe(
      'How far temperature and memory are forecast. A limit that is expected within it lowers the load ahead of time (zeroia.forecasts).',
    ),
    disk_horizon_ms: milliseconds(900_000, 10_000, 86_400_000).describe('The same for the disk.'),
    temperature_c: z
      .number()
      .min(40)
      .max(150)
      .default(80)
      .describe(
        'The limit that is looked out for: from here on a Raspberry Pi 4 or 5 throttles its processor.',
      ),
    ram: z.number().min(50).max(101).default(95).describe('The same for memory in use, percent; 101: never.'),
    disk: z.number().min(50).max(101).default(98).describe('The same for the disk; 101: never.'),
  }),
});

export const watchdog = section({
  http_ms: milliseconds(10_000, 1000, 3_600_000).describe(
    'How long the HTTP thread may not come to its event loop; then whoever keeps the process (systemd, or serve --supervise) kills and restarts it.',
  ),
  thread_ms: milliseconds(60_000, 1000, 3_600_000).describe(
    'The same for the writer of the ledger, and for a task in a pool thread. A disk that takes longer for one commit is taken for stuck.',
  ),
  sandbox_ms: milliseconds(30_000, 10_000, 3_600_000).describe(
    'How long a sandboxed process may not answer the ping that it gets every 5 s; then it is killed and replaced. One that generates answers it.',
  ),
});

export const sandozia = section({
  snapshot_ms: milliseconds(300_000, 1000).describe(
    'How all accounts stand is recorded this often, with a sample of the device; some 700 bytes each.',
  ),
});

export const zeroia = section({
  act: z
    .boolean()
    .default(true)
    .describe("Whether decisions on the device's own samples change the degradation level."),
  forecasts: z
    .boolean()
    .default(true)
    .describe(
      'Whether a forecast limit of reflexia.forecast asks for the level of reduce_load before it is reached. A forecaster that has been wrong is not listened to.',
    ),
  hysteresis: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.05)
    .describe(
      "A decision on the device's own samples is kept until each figure is this share of its threshold below it.",
    ),
  cooldown_ms: milliseconds(10_000, 0).describe(
    "A decision on the device's own samples is kept this long after the figures last asked for it.",
  ),
  adapt: z
    .boolean()
    .default(true)
    .describe(
      "Whether sustained load lowers the thresholds for the device's own processor, memory and temperature. Posted measurements are never concerned.",
    ),
  adapt_step: z
    .number()
    .min(0.001)
    .max(0.5)
    .default(0.03)
    .describe('Share of its base by which a threshold moves at once. Each move is an event.'),
  adapt_lowered_max: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.15)
    .describe('Share of its base by which a threshold is lowered at most. None is ever above its base.'),
  adapt_interval_ms: milliseconds(60_000, 1000).describe('Shortest time between two moves of a threshold.'),
  record_interval_ms: milliseconds(300_000, 0, 3_600_000).describe(
    "How often the device's own decision is recorded while it stays the same; one that differs is recorded at once. 0 records each, which is about 350 MB of writes a day on an SD card.",
  ),
  streams_max: count(1024, 1, 100_000).describe(
    'Decision streams whose history is kept; beyond it the one unused for longest is forgotten. About 200 bytes each.',
  ),
});
