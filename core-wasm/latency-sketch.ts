import type { Constants, CoreFunctions } from './exports.js';
import { bucketEdges, LatencySnapshot } from './latency-snapshot.js';

/** A sketch of latencies in the shared memory. Any number of threads may add to it. */
export class LatencySketch {
  readonly index: number;
  readonly #edges: Float64Array;
  readonly #functions: CoreFunctions;
  readonly #timeMaxMs: number;

  /** Made by {@link LatencySketches}. */
  constructor(index: number, edges: Float64Array, at: Constants, functions: CoreFunctions) {
    this.index = index;
    this.#edges = edges;
    this.#functions = functions;
    this.#timeMaxMs = at.TIME_MAX_MS;
  }

  /** Adds a time in ms: 0 or more. */
  add(ms: number): void {
    if (!(ms >= 0 && ms < this.#timeMaxMs)) {
      throw new RangeError(`a latency must be from 0 to below ${this.#timeMaxMs} ms, not ${ms}`);
    }
    this.#functions.sketchAdd(this.index, ms);
  }

  /** Adds all that another sketch of the same memory holds now. */
  merge(other: LatencySketch): void {
    if (other.index === this.index) throw new RangeError('a sketch cannot be merged into itself');
    this.#functions.sketchMerge(this.index, other.index);
  }

  /** What it holds now: some 30 µs. A time that is being added meanwhile may be in the count and not yet in the sum. */
  snapshot(): LatencySnapshot {
    const { sketchBucket, sketchSum, sketchMax } = this.#functions;
    const counts = new Float64Array(this.#edges.length - 1);
    for (let bucket = 0; bucket < counts.length; bucket++) counts[bucket] = sketchBucket(this.index, bucket);
    return new LatencySnapshot(this.#edges, counts, sketchSum(this.index), sketchMax(this.index));
  }
}

/** The latency sketches of the shared memory. */
export class LatencySketches {
  /** How many there can be. */
  readonly sketches: number;
  readonly #memory: SharedArrayBuffer;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;
  readonly #edges: Float64Array;

  constructor(memory: SharedArrayBuffer, at: Constants, functions: CoreFunctions) {
    this.#memory = memory;
    this.#at = at;
    this.#functions = functions;
    this.sketches = at.SKETCH_COUNT;
    this.#edges = bucketEdges(at.SKETCH_BUCKET_COUNT, at.SKETCH_PARTS, at.SKETCH_EXPONENT_MIN);
  }

  /** A new, empty sketch for as long as the memory lives; undefined when all are taken. */
  take(): LatencySketch | undefined {
    const index = this.#functions.sketchTake();
    return index < 0 ? undefined : new LatencySketch(index, this.#edges, this.#at, this.#functions);
  }

  /** The sketch that some thread has taken. Throws a RangeError when none has. */
  at(index: number): LatencySketch {
    const { SKETCH_FIRST, SKETCH_BYTES, SKETCH_READY } = this.#at;
    const fits = Number.isInteger(index) && index >= 0 && index < this.sketches;
    const ready = (SKETCH_FIRST + index * SKETCH_BYTES + SKETCH_READY) >> 2;
    if (!fits || Atomics.load(new Int32Array(this.#memory), ready) !== 1) {
      throw new RangeError(`there is no latency sketch ${index}`);
    }
    return new LatencySketch(index, this.#edges, this.#at, this.#functions);
  }
}
