import { createHash } from 'node:crypto';
import { readScoreConstants, type ScoreConstants, type ScoreFunctions } from './exports.js';
import { memoryPages } from './memory-pages.js';
import { ParameterSet } from './parameters.js';
import type { Score, ScoreInput } from './score-types.js';
import { Slab } from './slab.js';

/** What one recorded input gives now, or why it cannot be scored. */
export type Rescored = { score: Score } | { refused: string };

/**
 * A module of the hot core that may be older than this host, with a memory of its own (a few MiB): it scores recorded inputs again.
 * The host reads every offset from the module, so it drives any module that exports what scoring needs.
 */
export class RecordedCore {
  readonly sha256: string;
  readonly #memory: SharedArrayBuffer;
  readonly #at: ScoreConstants;
  readonly #functions: ScoreFunctions;

  /** Throws when the bytes are no module of the hot core, or one that this version cannot drive. */
  constructor(bytes: Uint8Array) {
    this.sha256 = createHash('sha256').update(bytes).digest('hex');
    const pages = memoryPages(bytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const fault = (code: number) => {
      throw new Error(`the recorded core stopped at the assertion ${code}`);
    };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory },
      host: { fault },
    });
    this.#memory = memory.buffer;
    this.#at = readScoreConstants(exports);
    this.#functions = exports as unknown as ScoreFunctions;
  }

  /**
   * Scores inputs with the numbers of one parameter block, in batches; also gives the block's version. An input that is out of
   * bounds, or at which the module stops, is refused alone. Throws a RangeError when `values` are no parameter block of this module.
   */
  score(values: readonly number[], inputs: readonly ScoreInput[]): { version: string; results: Rescored[] } {
    const parameters = new ParameterSet(values, this.#at);
    parameters.write(this.#memory, this.#at.PARAMETERS);
    const slab = new Slab(this.#memory, this.#at, this.#functions, parameters);
    const results: Rescored[] = [];
    for (let from = 0; from < inputs.length; from += slab.records) {
      const batch = inputs.slice(from, from + slab.records);
      const problems = batch.map((input, i) => refusal(slab, i, input));
      scoreAll(slab, problems);
      for (const [i, refused] of problems.entries()) {
        results.push(refused === undefined ? { score: slab.read(i) } : { refused });
      }
    }
    return { version: parameters.version, results };
  }
}

/** Writes an input; where it is refused, a harmless one instead, so that the batch can be scored. */
function refusal(slab: Slab, index: number, input: ScoreInput): string | undefined {
  try {
    slab.write(index, input);
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    slab.write(index, { cpu: 0, ram: 0, severity: 'none' });
    return error.message;
  }
}

/** Scores the first records of the slab. When the module stops at one of them, one by one, and says which. */
function scoreAll(slab: Slab, problems: (string | undefined)[]): void {
  if (stop(slab, 0, problems.length) === undefined) return;
  for (const i of problems.keys()) problems[i] ??= stop(slab, i, 1);
}

function stop(slab: Slab, from: number, count: number): string | undefined {
  try {
    slab.score(from, count);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
