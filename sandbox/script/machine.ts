import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSDeferredPromise,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { ScriptFault, ScriptJob, ScriptOutcome } from '../types.js';

/** Deepest stack of the interpreter; its own check comes before the stack of WebAssembly ends. */
const stackBytesMax = 262_144;
/** Jobs of promises that cost one unit of fuel. */
const jobsPerUnit = 100;
const argumentsCharsMax = 65_536;
const messageCharsMax = 1000;

const pageBytes = 65_536;
/** What the interpreter's build begins with. */
const pagesMin = 256;

type Ask = (call: { id: number; name: string; args: string }) => void;
type End = (outcome: ScriptOutcome) => void;

/** A refusal of the machine's own, raised inside the script. */
class Refused extends Error {}

/**
 * One script in one interpreter. Nothing is freed: the process ends with the script. What the interpreter can reach is the language
 * and the functions that the job names; there is no module loader, no timer and nothing of Node's.
 */
export class Machine {
  /** Whether the memory has grown to near its end. */
  readonly #isFull: () => boolean;
  readonly #job: ScriptJob;
  readonly #ask: Ask;
  readonly #end: End;
  readonly #runtime: QuickJSRuntime;
  readonly #vm: QuickJSContext;
  /** As they were before the script could change them. */
  readonly #stringify: QuickJSHandle;
  readonly #parse: QuickJSHandle;
  readonly #waiting = new Map<number, QuickJSDeferredPromise>();
  #fuel: number;
  #calls = 0;
  #log = '';
  #promise: QuickJSHandle | undefined;
  #ended = false;

  /**
   * Compiles the interpreter over a memory that cannot grow beyond the job's: QuickJS's own limit does not see the size of what it
   * allocates in this build. `ask` passes a call on; `end` is called once.
   */
  static async create(job: ScriptJob, ask: Ask, end: End): Promise<Machine> {
    const maximum = Math.max(pagesMin, Math.floor(job.memoryBytes / pageBytes));
    const wasmMemory = new WebAssembly.Memory({ initial: pagesMin, maximum });
    // The package's types are those of its other form, where the variant lies one level deeper.
    const release = (await import('@jitl/quickjs-wasmfile-release-sync')) as unknown as {
      default: QuickJSSyncVariant;
    };
    const variant = newVariant(release.default, { wasmMemory: wasmMemory as never });
    const isFull = () => wasmMemory.buffer.byteLength > 0.8 * maximum * pageBytes;
    return new Machine(await newQuickJSWASMModuleFromVariant(variant), { isFull }, job, ask, end);
  }

  private constructor(
    quickjs: QuickJSWASMModule,
    { isFull }: { isFull: () => boolean },
    job: ScriptJob,
    ask: Ask,
    end: End,
  ) {
    this.#isFull = isFull;
    this.#job = job;
    this.#ask = ask;
    this.#end = end;
    this.#fuel = job.fuel;
    this.#runtime = quickjs.newRuntime();
    this.#runtime.setMaxStackSize(stackBytesMax);
    this.#runtime.setInterruptHandler(() => this.#burn());
    this.#vm = this.#runtime.newContext({
      intrinsics: {
        BaseObjects: true,
        Eval: true,
        StringNormalize: true,
        RegExp: true,
        JSON: true,
        Proxy: true,
        MapSet: true,
        TypedArrays: true,
        Promise: true,
        BigInt: true,
        Date: job.date,
      },
    });
    const json = this.#vm.getProp(this.#vm.global, 'JSON');
    this.#stringify = this.#vm.getProp(json, 'stringify');
    this.#parse = this.#vm.getProp(json, 'parse');
    this.#install();
  }

  /** Runs until it ends or waits for an answer. */
  start(): undefined {
    const { code } = this.#job;
    // An expression first; what is none is the body of a function. Nothing has run when it does not parse.
    const forms = [`(async () => (\n${code}\n))()`, `(async () => {\n${code}\n})()`];
    for (const [i, form] of forms.entries()) {
      const result = this.#vm.evalCode(form, 'script.js', { type: 'global' });
      if (result.error === undefined) {
        this.#promise = result.value;
        this.#turn();
        return;
      }
      const { name, message } = this.#describe(result.error);
      if (this.#fuel < 0) return this.#fail('fuel', fuelGone);
      if (name !== 'SyntaxError') return this.#fail(this.#faultOf(message), message);
      if (i === forms.length - 1) this.#fail('syntax', `${name}: ${message}`);
    }
  }

  /** The answer to a call. */
  returned({ id, json, error }: { id: number; json?: string; error?: string }): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || this.#ended) return;
    this.#waiting.delete(id);
    if (json === undefined) waiting.reject(this.#vm.newError(error ?? 'it failed'));
    else {
      const value = this.#vm.callFunction(this.#parse, this.#vm.undefined, this.#vm.newString(json));
      if (value.error === undefined) waiting.resolve(value.value);
      else waiting.reject(value.error);
    }
    this.#turn();
  }

  /** Takes a unit of fuel; true when there was none. */
  #burn(): boolean {
    this.#fuel -= 1;
    return this.#fuel < 0;
  }

  #install(): void {
    const vm = this.#vm;
    for (const [name, json] of Object.entries(this.#job.facts)) {
      vm.setProp(
        vm.global,
        name,
        vm.newFunction(name, () => vm.callFunction(this.#parse, vm.undefined, vm.newString(json))),
      );
    }
    for (const name of this.#job.functions)
      vm.setProp(
        vm.global,
        name,
        vm.newFunction(name, (...args) => this.#call(name, args)),
      );
    const console = vm.newObject();
    const print = vm.newFunction('log', (...args) => {
      const room = this.#job.outputCharsMax - this.#log.length;
      if (room > 0) this.#log += `${args.map((arg) => this.#show(arg)).join(' ')}\n`.slice(0, room);
    });
    for (const name of ['log', 'info', 'warn', 'error', 'debug']) vm.setProp(console, name, print);
    vm.setProp(vm.global, 'console', console);
  }

  #call(name: string, args: QuickJSHandle[]): QuickJSHandle {
    if (this.#calls >= this.#job.callsMax) throw new Refused(`at most ${this.#job.callsMax} calls are made`);
    const texts = args.map((arg) => this.#json(arg) ?? 'null');
    const json = `[${texts.join(',')}]`;
    if (json.length > argumentsCharsMax) throw new Refused('the arguments are too long');
    this.#calls += 1;
    const id = this.#calls;
    const waiting = this.#vm.newPromise();
    this.#waiting.set(id, waiting);
    this.#ask({ id, name, args: json });
    return waiting.handle;
  }

  /** Runs what promises have to do, then looks whether the script is done. */
  #turn(): undefined {
    while (!this.#ended && this.#runtime.hasPendingJob()) {
      const { error } = this.#runtime.executePendingJobs(jobsPerUnit);
      if (this.#burn()) return this.#fail('fuel', fuelGone);
      if (error !== undefined) {
        const { message } = this.#describe(error);
        return this.#fail(this.#faultOf(message), message);
      }
    }
    if (this.#ended || this.#promise === undefined) return;
    const state = this.#vm.getPromiseState(this.#promise);
    if (state.type === 'pending') {
      if (this.#waiting.size === 0) this.#fail('stalled', 'It waits for something that never comes.');
    } else if (state.type === 'rejected') this.#rejected(state.error);
    else {
      const value = this.#show(state.value);
      if (this.#fuel < 0) this.#fail('fuel', fuelGone);
      else this.#finish({ value: value.slice(0, this.#job.outputCharsMax), log: this.#log });
    }
  }

  #rejected(error: QuickJSHandle): void {
    const { name, message } = this.#describe(error);
    if (this.#fuel < 0) this.#fail('fuel', fuelGone);
    else this.#fail(this.#faultOf(message), name === '' ? message : `${name}: ${message}`);
  }

  #faultOf(message: string): ScriptFault {
    // Where there is no room even for the error, null is thrown.
    return message === 'out of memory' || (message === 'null' && this.#isFull()) ? 'memory' : 'threw';
  }

  #fail(fault: ScriptFault, message: string): undefined {
    this.#finish({ fault, message: message.slice(0, messageCharsMax), log: this.#log });
  }

  #finish(outcome: ScriptOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#end(outcome);
  }

  /** A value as JSON; undefined for what has none. */
  #json(value: QuickJSHandle): string | undefined {
    const result = this.#vm.callFunction(this.#stringify, this.#vm.undefined, value);
    if (result.error !== undefined) return undefined;
    return this.#vm.typeof(result.value) === 'string' ? this.#vm.getString(result.value) : undefined;
  }

  #show(value: QuickJSHandle): string {
    const type = this.#vm.typeof(value);
    if (type === 'string') return this.#vm.getString(value);
    // JSON has no words for these.
    if (type === 'bigint' || type === 'number') return this.#vm.getString(value);
    return this.#json(value) ?? type;
  }

  /** What was thrown, without running code of the script's where that can be: getters still run, within the fuel. */
  #describe(error: QuickJSHandle): { name: string; message: string } {
    const type = this.#vm.typeof(error);
    if (type !== 'object') return { name: '', message: this.#show(error) };
    const text = (key: string): string => {
      const value = this.#vm.getProp(error, key);
      return this.#vm.typeof(value) === 'string' ? this.#vm.getString(value) : '';
    };
    const name = text('name').slice(0, 100);
    const message = text('message');
    return name === '' && message === '' ? { name, message: this.#show(error) } : { name, message };
  }
}

const fuelGone = 'It worked for too long.';
