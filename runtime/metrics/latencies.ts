import type { Core, LatencySketch, LatencySnapshot } from '../../core-wasm/index.js';
import type { Latencies, LatencyKind, LatencyStatus } from '../contracts/latency.js';

/** How often the window of the quantiles moves on: they cover between one and two of it. */
export const LATENCY_WINDOW_MS = 60_000;

/** Name of the series that takes what has no sketch of its own. */
const REST = 'other';

interface Series {
  sketch: LatencySketch;
  /** At the last two moves of the window. */
  earlier: LatencySnapshot;
  latest: LatencySnapshot;
}

/** Latencies by kind and name, each in a sketch of the hot core. */
export class CoreLatencies implements Latencies {
  readonly #core: Core;
  readonly #series: Record<LatencyKind, Map<string, Series>>;

  /** Throws a RangeError when the core has no two sketches left. */
  constructor(core: Core) {
    this.#core = core;
    this.#series = { http: new Map(), engine: new Map() };
    for (const series of Object.values(this.#series)) {
      const rest = this.#take();
      if (rest === undefined)
        throw new RangeError(`all ${core.sketches.sketches} sketches of the core are taken`);
      series.set(REST, rest);
    }
  }

  recorder(kind: LatencyKind, name: string): LatencySketch {
    const known = this.#series[kind].get(name);
    if (known !== undefined) return known.sketch;
    const made = this.#take();
    if (made === undefined) return this.recorder(kind, REST);
    this.#series[kind].set(name, made);
    return made.sketch;
  }

  /** Moves the window of the quantiles on. To be called once every LATENCY_WINDOW_MS. */
  move(): void {
    for (const series of Object.values(this.#series)) {
      for (const each of series.values()) {
        each.earlier = each.latest;
        each.latest = each.sketch.snapshot();
      }
    }
  }

  /** What was recorded under each name that has anything: since the start, and in the window. */
  read(kind: LatencyKind): Map<string, { total: LatencySnapshot; recent: LatencySnapshot }> {
    const found = new Map<string, { total: LatencySnapshot; recent: LatencySnapshot }>();
    for (const [name, { sketch, earlier }] of this.#series[kind]) {
      const total = sketch.snapshot();
      if (total.count > 0) found.set(name, { total, recent: total.minus(earlier) });
    }
    return found;
  }

  /** For /status. */
  status(kind: LatencyKind): Record<string, LatencyStatus> {
    const rounded = (ms: number | undefined) => (ms === undefined ? undefined : Number(ms.toPrecision(4)));
    return Object.fromEntries(
      Array.from(this.read(kind), ([name, { total, recent }]) => [
        name,
        {
          count: total.count,
          max_ms: Number(total.maxMs.toPrecision(4)),
          p50_ms: rounded(recent.quantile(0.5)),
          p90_ms: rounded(recent.quantile(0.9)),
          p99_ms: rounded(recent.quantile(0.99)),
          p999_ms: rounded(recent.quantile(0.999)),
        },
      ]),
    );
  }

  #take(): Series | undefined {
    const sketch = this.#core.sketches.take();
    if (sketch === undefined) return undefined;
    const empty = sketch.snapshot();
    return { sketch, earlier: empty, latest: empty };
  }
}
