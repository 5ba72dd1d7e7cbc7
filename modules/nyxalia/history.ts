import { z } from 'zod';
import type { DeviceSample } from '../../runtime/contracts/device.js';

export const historyWindows = ['hour', 'day'] as const;
export type HistoryWindow = (typeof historyWindows)[number];

/** Length of a mean, and how many are kept: an hour of 15 s, a day of 5 min. */
const shapes: Record<HistoryWindow, { stepMs: number; kept: number }> = {
  hour: { stepMs: 15_000, kept: 240 },
  day: { stepMs: 300_000, kept: 288 },
};

const figures = [
  'cpu',
  'ram',
  'disk',
  'temperature_c',
  'event_loop_delay_ms',
  'load_1m',
  'process_rss_bytes',
] as const;
type Figure = (typeof figures)[number];

const column = z.array(z.number().nullable());
const columns = Object.fromEntries(figures.map((figure) => [figure, column])) as Record<
  Figure,
  typeof column
>;

/** Answer of GET /nyxalia/history. */
export const historyAnswer = z.object({
  window: z.enum(historyWindows),
  step_ms: z.number(),
  wall_ms: z.array(z.number()).describe('End of each mean'),
  throttled: z.array(z.boolean()).describe('Whether the processor was slowed at any time of it'),
  ...columns,
});
export type HistoryAnswer = z.infer<typeof historyAnswer>;

interface Mean {
  endsMs: number;
  wallMs: number;
  sums: Map<Figure, { sum: number; count: number }>;
  throttled: boolean;
}

/** Means of the samples of the last hour and day; some 100 kB at most. Intervals are told by the monotonic clock. */
export class DeviceHistory {
  readonly #means: Record<HistoryWindow, Mean[]> = { hour: [], day: [] };

  add(sample: DeviceSample): void {
    for (const window of historyWindows) {
      const { stepMs, kept } = shapes[window];
      const means = this.#means[window];
      let mean = means.at(-1);
      if (mean === undefined || sample.monotonic_ms >= mean.endsMs) {
        const endsMs = (Math.floor(sample.monotonic_ms / stepMs) + 1) * stepMs;
        mean = { endsMs, wallMs: sample.wall_ms, sums: new Map(), throttled: false };
        means.push(mean);
        if (means.length > kept) means.shift();
      }
      add(mean, sample);
    }
  }

  read(window: HistoryWindow): HistoryAnswer {
    const means = this.#means[window];
    const column = (figure: Figure) =>
      means.map(({ sums }) => {
        const { sum, count } = sums.get(figure) ?? { sum: 0, count: 0 };
        return count === 0 ? null : Math.round((sum / count) * 100) / 100;
      });
    return {
      window,
      step_ms: shapes[window].stepMs,
      wall_ms: means.map(({ wallMs }) => wallMs),
      throttled: means.map(({ throttled }) => throttled),
      ...(Object.fromEntries(figures.map((figure) => [figure, column(figure)])) as Record<
        Figure,
        (number | null)[]
      >),
    };
  }
}

function add(mean: Mean, sample: DeviceSample): void {
  mean.wallMs = sample.wall_ms;
  mean.throttled ||= sample.throttled === true;
  for (const figure of figures) {
    const value = sample[figure];
    if (value === undefined) continue;
    const { sum, count } = mean.sums.get(figure) ?? { sum: 0, count: 0 };
    mean.sums.set(figure, { sum: sum + value, count: count + 1 });
  }
}
