import { isCount, isOptional, isRecord, isText, plainName } from './check.js';
import type { ModelFacts } from './types.js';

/** llama.cpp's names of what a file is mostly made of, by `general.file_type`. */
const fileTypes = new Map([
  ...([
    [0, 'F32'],
    [1, 'F16'],
    [2, 'Q4_0'],
    [3, 'Q4_1'],
    [7, 'Q8_0'],
    [8, 'Q5_0'],
    [9, 'Q5_1'],
  ] as const),
  ...([
    [10, 'Q2_K'],
    [11, 'Q3_K_S'],
    [12, 'Q3_K_M'],
    [13, 'Q3_K_L'],
    [14, 'Q4_K_S'],
    [15, 'Q4_K_M'],
  ] as const),
  ...([
    [16, 'Q5_K_S'],
    [17, 'Q5_K_M'],
    [18, 'Q6_K'],
    [19, 'IQ2_XXS'],
    [20, 'IQ2_XS'],
    [21, 'Q2_K_S'],
  ] as const),
  ...([
    [22, 'IQ3_XS'],
    [23, 'IQ3_XXS'],
    [24, 'IQ1_S'],
    [25, 'IQ4_NL'],
    [26, 'IQ3_S'],
    [27, 'IQ3_M'],
  ] as const),
  ...([
    [28, 'IQ2_S'],
    [29, 'IQ2_M'],
    [30, 'IQ4_XS'],
    [31, 'IQ1_M'],
    [32, 'BF16'],
    [36, 'TQ1_0'],
  ] as const),
  ...([
    [37, 'TQ2_0'],
    [38, 'MXFP4'],
  ] as const),
] as readonly (readonly [number, string])[]);

/** ggml's names of the types of tensors. */
const tensorTypes = new Map([
  ...([
    [0, 'F32'],
    [1, 'F16'],
    [2, 'Q4_0'],
    [3, 'Q4_1'],
    [6, 'Q5_0'],
    [7, 'Q5_1'],
    [8, 'Q8_0'],
  ] as const),
  ...([
    [10, 'Q2_K'],
    [11, 'Q3_K'],
    [12, 'Q4_K'],
    [13, 'Q5_K'],
    [14, 'Q6_K'],
    [16, 'IQ2_XXS'],
  ] as const),
  ...([
    [17, 'IQ2_XS'],
    [18, 'IQ3_XXS'],
    [19, 'IQ1_S'],
    [20, 'IQ4_NL'],
    [21, 'IQ3_S'],
    [22, 'IQ2_S'],
  ] as const),
  ...([
    [23, 'IQ4_XS'],
    [29, 'IQ1_M'],
    [30, 'BF16'],
    [34, 'TQ1_0'],
    [35, 'TQ2_0'],
    [39, 'MXFP4'],
  ] as const),
] as readonly (readonly [number, string])[]);

const wanted = /^(?:general\.(?:architecture|name|license|file_type)|tokenizer\.chat_template)$/;
const wantedFigure =
  /^[\w-]{1,64}\.(?:context_length|block_count|embedding_length|attention\.(?:head_count|head_count_kv|key_length|value_length))$/;
/** Figures of one architecture are seven; more are somebody's play. */
const figuresMax = 64;
const nameMax = 80;
/** Bytes of a number in the cache of keys and values. */
const cacheNumberBytes = 2;

/** Gathers what is worth telling while a file is walked. */
export class FactsBuilder {
  readonly #words = new Map<string, string>();
  readonly #figures = new Map<string, number>();
  readonly #elements = new Map<number, bigint>();
  #template = false;

  entry(key: string, value: number | string | undefined): void {
    if (key === 'tokenizer.chat_template') this.#template = true;
    if (typeof value === 'string' && wanted.test(key)) this.#words.set(key, value);
    else if (typeof value === 'number' && (wanted.test(key) || wantedFigure.test(key)))
      if (this.#figures.size < figuresMax) this.#figures.set(key, value);
  }

  tensor(elements: bigint, type: number): void {
    this.#elements.set(type, (this.#elements.get(type) ?? 0n) + elements);
  }

  facts(): ModelFacts {
    const parameters = [...this.#elements.values()].reduce((sum, one) => sum + one, 0n);
    const words = {
      architecture: plainName(this.#words.get('general.architecture'), nameMax),
      name: plainName(this.#words.get('general.name'), nameMax),
      licence: plainName(this.#words.get('general.license'), nameMax),
    };
    const context = this.#figure('context_length');
    const cache = this.#cacheBytesPerToken();
    return {
      ...Object.fromEntries(Object.entries(words).filter(([, word]) => word !== '')),
      parameters: parameters > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(parameters),
      quantisation: this.#quantisation(),
      ...(context === undefined ? {} : { context_tokens: context }),
      chat_template: this.#template,
      ...(cache === undefined ? {} : { cache_bytes_per_token: cache }),
    };
  }

  #figure(name: string): number | undefined {
    return this.#figures.get(`${this.#words.get('general.architecture') ?? ''}.${name}`);
  }

  #quantisation(): string {
    const said = fileTypes.get(this.#figures.get('general.file_type') ?? -1);
    if (said !== undefined) return said;
    const most = [...this.#elements].sort(([, a], [, b]) => (a < b ? 1 : -1))[0]?.[0] ?? -1;
    return tensorTypes.get(most) ?? 'unknown';
  }

  /** Keys and values of one token in every layer. */
  #cacheBytesPerToken(): number | undefined {
    const layers = this.#figure('block_count');
    const heads = this.#figure('attention.head_count');
    const width = this.#figure('embedding_length');
    if (layers === undefined || heads === undefined || heads === 0 || width === undefined) return undefined;
    const kvHeads = this.#figure('attention.head_count_kv') ?? heads;
    const key = this.#figure('attention.key_length') ?? width / heads;
    const value = this.#figure('attention.value_length') ?? width / heads;
    const bytes = Math.ceil(layers * kvHeads * (key + value) * cacheNumberBytes);
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  }
}

const isWord = (value: unknown): value is string => isText(value, nameMax);

/** Whether what came out of the sandbox has the form of facts. */
export function isFacts(value: unknown): value is ModelFacts {
  return (
    isRecord(value) &&
    isOptional(value.architecture, isWord) &&
    isOptional(value.name, isWord) &&
    isOptional(value.licence, isWord) &&
    isCount(value.parameters) &&
    isWord(value.quantisation) &&
    isOptional(value.context_tokens, isCount) &&
    typeof value.chat_template === 'boolean' &&
    isOptional(value.cache_bytes_per_token, isCount)
  );
}
