import type { TopicEvent } from '../../../live/messages.js';

type Sample = TopicEvent<'device'>;
export const figures = [
  'cpu',
  'ram',
  'temperature_c',
  'disk',
  'load_1m',
  'event_loop_delay_ms',
  'process_rss_bytes',
] as const;
export type Figure = (typeof figures)[number];

/** Points that a plot shows at most: more than its pixels would cost and show nothing. */
export const pointsMax = 300;

export interface Columns {
  times: number[];
  values: Record<Figure, (number | null)[]>;
}

/** The samples of the last minutes, thinned so that memory stays as it is however long a page is open and however fast samples come. */
export class RecentSamples {
  #samples: Sample[] = [];
  readonly #spanMs: number;

  constructor(spanMs = 600_000) {
    this.#spanMs = spanMs;
  }

  replace(samples: readonly Sample[]): void {
    this.#samples = [];
    for (const sample of samples) this.add(sample);
  }

  /** A sample that comes sooner than a point is wide takes the place of the one before. */
  add(sample: Sample): void {
    const width = this.#spanMs / pointsMax;
    const before = this.#samples.at(-2);
    if (before !== undefined && sample.wall_ms - before.wall_ms < width && sample.wall_ms >= before.wall_ms)
      this.#samples.pop();
    this.#samples.push(sample);
    const oldest = sample.wall_ms - this.#spanMs;
    let first = 0;
    while (
      first < this.#samples.length - 1 &&
      (this.#samples[first]!.wall_ms < oldest || this.#samples.length - first > pointsMax + 2)
    )
      first++;
    if (first > 0) this.#samples.splice(0, first);
  }

  get last(): Sample | undefined {
    return this.#samples.at(-1);
  }

  columns(): Columns {
    const values = Object.fromEntries(
      figures.map((figure) => [figure, this.#samples.map((sample) => sample[figure] ?? null)]),
    );
    return { times: this.#samples.map(({ wall_ms }) => wall_ms / 1000), values: values as Columns['values'] };
  }
}
