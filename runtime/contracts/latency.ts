/** Takes the time that one call took, in ms. Some 10 ns. */
export interface LatencyRecorder {
  add(ms: number): void;
}

/** What is measured: answers to HTTP requests by route, and calls of engines by name. */
export type LatencyKind = 'http' | 'engine';

export interface LatencyStatus {
  /** Since the start. */
  count: number;
  max_ms: number;
  /** Of the last one to two minutes; absent when there was nothing. Off by at most 0.8 %. */
  p50_ms?: number;
  p90_ms?: number;
  p99_ms?: number;
  p999_ms?: number;
}

export interface Latencies {
  /** The recorder of a name, made at first use; when there is no room for another name, the one that all such names share, `other`. */
  recorder(kind: LatencyKind, name: string): LatencyRecorder;
  /** What was recorded, by name. */
  status(kind: LatencyKind): Record<string, LatencyStatus>;
}
