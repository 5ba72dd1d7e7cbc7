import { createHash, randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BreakerSlots } from './breaker-slot.js';
import { Classifiers } from './classifier.js';
import { ConcurrencyLimits } from './concurrency-limit.js';
import { type Constants, type CoreFunctions, readConstants } from './exports.js';
import { LatencySketches } from './latency-sketch.js';
import { memoryPages } from './memory-pages.js';
import {
  type OwnParameters,
  ParameterSet,
  parameters,
  parameterValues,
  type Thresholds,
  withOwn,
} from './parameters.js';
import { RateLimiters } from './rate-limiter.js';
import { Slab } from './slab.js';

/** What another thread needs to work on the same memory; passes through postMessage and workerData. */
export interface CoreShare {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
}

/** One instance of the hot core. Each thread has its own, all over one shared memory. */
export class Core {
  /** SHA-256 of the bytes of core.wasm and the version of the parameter block: what made a score. */
  readonly identity: { readonly core_sha256: string; readonly weights_version: string };
  readonly slab: Slab;
  readonly breakers: BreakerSlots;
  readonly limiters: RateLimiters;
  readonly sketches: LatencySketches;
  readonly classifiers: Classifiers;
  readonly limits: ConcurrencyLimits;
  /** For {@link Core.attach} in another thread. */
  readonly share: CoreShare;
  /** Offsets and sizes as the module exports them; for tests and tools that look into the memory. */
  readonly layout: Constants;

  private constructor(share: CoreShare, create: string | undefined) {
    const { memory, module } = share;
    let constants: Constants | undefined;
    const fault = (code: number, value: number) => {
      throw faultError(code, value, constants);
    };
    const { exports } = new WebAssembly.Instance(module, { env: { memory }, host: { fault } });
    const at = readConstants(exports);
    constants = at;
    const functions = exports as unknown as CoreFunctions;
    const version = new Int32Array(memory.buffer, at.HEADER_VERSION, 1);
    const digest = Buffer.from(memory.buffer, at.HEADER_SHA256, 32);
    if (create !== undefined) {
      digest.write(create, 'hex');
      new ParameterSet(parameterValues(parameters, at), at).write(memory.buffer, at.PARAMETERS);
      new Uint32Array(memory.buffer).set(randomFillSync(new Uint32Array(2)), at.LIMITERS_HASH_KEY >> 2);
      Atomics.store(version, 0, at.LAYOUT_VERSION);
    } else if (Atomics.load(version, 0) !== at.LAYOUT_VERSION) {
      throw new Error(
        `the memory has layout ${Atomics.load(version, 0)}, the module wants ${at.LAYOUT_VERSION}`,
      );
    }
    this.share = share;
    this.layout = at;
    const block = new Float64Array(memory.buffer, at.PARAMETERS, at.PARAMETERS_BYTES / 8);
    const base = new ParameterSet([...block], at);
    this.identity = Object.freeze({ core_sha256: digest.toString('hex'), weights_version: base.version });
    this.slab = new Slab(memory.buffer, at, functions, base);
    this.breakers = new BreakerSlots(at, functions);
    this.limiters = new RateLimiters(memory.buffer, at, functions);
    this.sketches = new LatencySketches(memory.buffer, at, functions);
    this.classifiers = new Classifiers(memory.buffer, at, functions);
    this.limits = new ConcurrencyLimits(memory.buffer, at, functions);
  }

  /** Loads core.wasm, makes the shared memory (8.5 MiB) and writes the parameters into it. */
  static create(): Core {
    const { bytes, sha256 } = coreModule();
    const module = new WebAssembly.Module(bytes);
    const pages = memoryPages(bytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return new Core({ memory, module }, sha256);
  }

  /** The thresholds of the base parameters that a device may lower for itself. */
  get thresholds(): Thresholds {
    const { cpu, ram, temperatureC } = parameters;
    const { monitor, reduce } = temperatureC;
    return { cpu: { ...cpu }, ram: { ...ram }, temperatureC: { monitor, reduce } };
  }

  /** The base parameters with what a device sets for its own stream. Throws a RangeError for a threshold that is raised. */
  ownParameters(own: OwnParameters): ParameterSet {
    return new ParameterSet(parameterValues(withOwn(own), this.layout), this.layout);
  }

  /** Another instance over a memory that `create` made, for another thread. Throws when the memory is not one. */
  static attach(memory: WebAssembly.Memory, module: WebAssembly.Module): Core {
    return new Core({ memory, module }, undefined);
  }
}

/** The module of this version, and its SHA-256 in hex. */
export function coreModule(): { bytes: Uint8Array; sha256: string } {
  const bytes = readFileSync(new URL('./core.wasm', import.meta.url));
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** What the core found wrong: an argument of the caller (a RangeError that names bound and value), or what must never happen. */
function faultError(code: number, value: number, at: Constants | undefined): Error {
  if (code === at?.FAULT_TIME)
    return new RangeError(`a time must be from 0 to below ${at.TIME_MAX_MS} ms, not ${value}`);
  if (code === at?.FAULT_DURATION) return new RangeError(`a duration must be 0 ms or more, not ${value}`);
  if (code === at?.FAULT_PERMIT)
    return new RangeError(`a permit must be an integer from 0 to ${at.PERMIT_MAX}, not ${value}`);
  return new Error(`the hot core stopped at an assertion: ${faultName(code, at)}`);
}

function faultName(code: number, at: Constants | undefined): string {
  if (code === at?.FAULT_RANGE) return 'an argument is out of range';
  if (code === at?.FAULT_INPUT) return 'a record holds an impossible input';
  if (code === at?.FAULT_RESULT) return 'a result is out of its bounds';
  if (code === at?.FAULT_STATE) return 'a state that cannot be';
  if (code === at?.FAULT_CONTENTION) return 'too many tries to change a word';
  return `code ${code}`;
}
