import { readFileSync } from 'node:fs';
import type { OpinionFault, OpinionLoad } from './protocol.js';

/** The parts of onnxruntime-node and @huggingface/tokenizers that are used; written down here, since both are optional. */
interface RuntimePackage {
  InferenceSession: { create(file: string, options: object): Promise<Session> };
  Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => object;
}
interface Session {
  readonly inputNames: readonly string[];
  run(
    feeds: Record<string, object>,
  ): Promise<Record<string, { data: ArrayLike<number>; dims: readonly number[] }>>;
}
interface TokenizersPackage {
  Tokenizer: new (tokenizer: object, config: object) => { encode(text: string): { ids: number[] } };
}

/** Names of the inputs of classifiers as they are exported: tokens, which of them count, and which of two texts they are of. */
const known = ['input_ids', 'attention_mask', 'token_type_ids'];

/** A text classifier in ONNX with its tokenizer. */
export class OpinionModel {
  readonly #runtime: RuntimePackage;
  readonly #session: Session;
  readonly #idsOf: (text: string) => number[];
  readonly #load: OpinionLoad;

  private constructor(
    runtime: RuntimePackage,
    session: Session,
    idsOf: (text: string) => number[],
    load: OpinionLoad,
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#idsOf = idsOf;
    this.#load = load;
  }

  /** Loads both files and judges one text, so that a model of another shape is found out now. */
  static async load(load: OpinionLoad): Promise<OpinionModel | { fault: OpinionFault }> {
    // It would send usage data where the network can be reached; at the strongest levels it cannot.
    process.env.ORT_DISABLE_TELEMETRY = '1';
    const runtime = await packageOf<RuntimePackage>(load.runtimePackage);
    if (runtime === undefined) return { fault: 'runtime' };
    const tokenizers = await packageOf<TokenizersPackage>(load.tokenizersPackage);
    if (tokenizers === undefined) return { fault: 'tokenizers' };
    const idsOf = tokenizerOf(tokenizers, load.tokenizerFile);
    if (idsOf === undefined) return { fault: 'tokenizer' };
    const session = await sessionOf(runtime, load);
    if (session === undefined) return { fault: 'model' };
    if (!session.inputNames.includes('input_ids') || session.inputNames.some((name) => !known.includes(name)))
      return { fault: 'shape' };
    const model = new OpinionModel(runtime, session, idsOf, load);
    const works = await model.judge('Hello').catch(() => undefined);
    return works === undefined ? { fault: 'shape' } : model;
  }

  /** How likely the text is an attack, 0 to 1. Throws when the model gives no figure for it. */
  async judge(text: string): Promise<number> {
    const ids = this.#cut(this.#idsOf(text));
    const tensor = (values: (at: number) => number) =>
      new this.#runtime.Tensor(
        'int64',
        BigInt64Array.from(ids, (_, at) => BigInt(values(at))),
        [1, ids.length],
      );
    const all: Record<string, object> = {
      input_ids: tensor((at) => ids[at] ?? 0),
      attention_mask: tensor(() => 1),
      token_type_ids: tensor(() => 0),
    };
    const feeds = Object.fromEntries(this.#session.inputNames.map((name) => [name, all[name] ?? {}]));
    const [first] = Object.values(await this.#session.run(feeds));
    return probabilityOf(Array.from(first?.data ?? [], Number), this.#load.attackIndex);
  }

  /** The first tokens, and the last one, which ends the text. */
  #cut(ids: number[]): number[] {
    const { tokensMax } = this.#load;
    return ids.length <= tokensMax ? ids : [...ids.slice(0, tokensMax - 1), ids.at(-1) ?? 0];
  }
}

/** Softmax of the figures, or the logistic function of a single one. Throws a RangeError when there is no such figure. */
export function probabilityOf(figures: readonly number[], index: number): number {
  const figure = figures.length === 1 ? figures[0] : figures[index];
  if (figure === undefined || !figures.every(Number.isFinite))
    throw new RangeError(`the model gave ${figures.length} figures, none for attacks at ${index}`);
  if (figures.length === 1) return 1 / (1 + Math.exp(-figure));
  const most = Math.max(...figures);
  const sum = figures.reduce((total, each) => total + Math.exp(each - most), 0);
  return Math.exp(figure - most) / sum;
}

/** A package, or undefined when it cannot be loaded here. */
async function packageOf<T>(name: string): Promise<T | undefined> {
  try {
    const loaded = (await import(name)) as T & { default?: T };
    return loaded.default ?? loaded;
  } catch {
    return undefined;
  }
}

function tokenizerOf(
  { Tokenizer }: TokenizersPackage,
  file: string,
): ((text: string) => number[]) | undefined {
  try {
    const tokenizer = new Tokenizer(JSON.parse(readFileSync(file, 'utf8')) as object, {});
    return (text) => tokenizer.encode(text).ids;
  } catch {
    return undefined;
  }
}

async function sessionOf(runtime: RuntimePackage, load: OpinionLoad): Promise<Session | undefined> {
  try {
    return await runtime.InferenceSession.create(load.modelFile, {
      executionProviders: ['cpu'],
      intraOpNumThreads: load.threads,
      interOpNumThreads: 1,
    });
  } catch {
    return undefined;
  }
}
