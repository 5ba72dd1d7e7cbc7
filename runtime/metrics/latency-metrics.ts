import { Gauge, type Registry } from 'prom-client';
import type { LatencySnapshot } from '../../core-wasm/index.js';
import type { LatencyKind } from '../contracts/latency.js';
import type { CoreLatencies } from './latencies.js';

/** Upper bounds in ms, all of them edges of the sketch's buckets, so that the counts are exact. */
const boundsMs = {
  http: [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2048, 4096, 8192, 32_768],
  engine: [10, 25, 50, 100, 250, 500, 1000, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072, 262_144],
} as const;

const quantiles = [0.5, 0.9, 0.99, 0.999];

interface LatencyMetric {
  kind: LatencyKind;
  /** Without the ending `_seconds`. */
  name: string;
  label: string;
  help: string;
}

const metrics: LatencyMetric[] = [
  {
    kind: 'http',
    name: 'arkalia_http_request',
    label: 'route',
    help: 'Time until the answer, or the head of a stream, was ready',
  },
  {
    kind: 'engine',
    name: 'arkalia_engine_call',
    label: 'engine',
    help: 'Time from the slot of an engine to the end of its answer',
  },
];

/**
 * Publishes every latency twice: as a histogram since the start, which can be added up over appliances and alerted upon with
 * histogram_quantile(rate(…)), and as quantiles of the last one to two minutes, exact to 0.8 %. Both are made at the scrape.
 */
export function publishLatencies(latencies: CoreLatencies, registry: Registry): void {
  for (const metric of metrics) {
    registry.registerMetric(new SketchHistogram(metric, latencies));
    new Gauge({
      name: `${metric.name}_quantile_seconds`,
      help: `${metric.help}: quantiles of the last one to two minutes`,
      labelNames: [metric.label, 'quantile'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [name, { recent }] of latencies.read(metric.kind)) {
          for (const quantile of quantiles) {
            const ms = recent.quantile(quantile);
            if (ms !== undefined) this.set({ [metric.label]: name, quantile }, ms / 1000);
          }
        }
      },
    });
  }
}

/**
 * A histogram in the text format, read from sketches. prom-client's own keeps its buckets itself, and costs the observer more than
 * half a microsecond; a Gauge is the plainest of its classes to put other values in.
 */
class SketchHistogram extends Gauge {
  readonly #metric: LatencyMetric;
  readonly #latencies: CoreLatencies;

  constructor(metric: LatencyMetric, latencies: CoreLatencies) {
    super({
      name: `${metric.name}_seconds`,
      help: metric.help,
      labelNames: [metric.label, 'le'],
      registers: [],
    });
    Object.assign(this, { type: 'histogram' });
    this.#metric = metric;
    this.#latencies = latencies;
  }

  override async get() {
    const values = Array.from(this.#latencies.read(this.#metric.kind), ([name, { total }]) =>
      this.#values(name, total),
    );
    return { ...(await super.get()), values: values.flat() };
  }

  #values(name: string, total: LatencySnapshot) {
    const { kind, label } = this.#metric;
    const family = `${this.#metric.name}_seconds`;
    const bounds = boundsMs[kind];
    const counts = total.countsBelow(bounds);
    const bucket = (le: number | string, value: number) => ({
      metricName: `${family}_bucket`,
      labels: { le, [label]: name },
      value,
    });
    return [
      ...bounds.map((ms, i) => bucket(ms / 1000, counts[i]!)),
      bucket('+Inf', total.count),
      { metricName: `${family}_sum`, labels: { [label]: name }, value: total.sumMs / 1000 },
      { metricName: `${family}_count`, labels: { [label]: name }, value: total.count },
    ];
  }
}
