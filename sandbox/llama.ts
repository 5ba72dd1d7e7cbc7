import { ggufFileFault } from './gguf.js';
import { schemaForGrammar } from './grammar-schema.js';
import { answerRoom, fittedHistory } from './history.js';
import {
  type ChatWrapper,
  callingAtOnce,
  callOf,
  functionsOf,
  type HistoryItem,
  historyOf,
  toolsToChoose,
} from './llama-chat.js';
import type { LoadFault, LoadRequest, Piece } from './protocol.js';
import type { FailureCode, FinishReason, Prompt, PromptMessage, PromptUsage } from './types.js';

/**
 * The part of node-llama-cpp that is used. Written down here, not imported: the package is optional, and the program must
 * compile without it.
 */
interface LlamaPackage {
  getLlama(options: object): Promise<Library>;
  LlamaChat: new (options: { contextSequence: Sequence; chatWrapper?: ChatWrapper }) => Chat;
  LlamaCompletion: new (options: { contextSequence: Sequence }) => Completion;
  LlamaLogLevel: { disabled: string };
}
interface Library {
  loadModel(options: object): Promise<Model>;
  getGrammarFor(type: 'json'): Promise<unknown>;
  createGrammarForJsonSchema(schema: object): Promise<unknown>;
}
interface EmbeddingContext {
  getEmbeddingFor(tokens: unknown[]): Promise<{ vector: readonly number[] }>;
}
interface Model {
  tokenize(text: string): unknown[];
  detokenize(tokens: readonly number[], special: boolean, before: readonly number[]): string;
  readonly tokens: { readonly bos: number | null; readonly shouldPrependBosToken: boolean };
  createEmbeddingContext(options: object): Promise<EmbeddingContext>;
  readonly tokenizer: unknown;
  readonly trainContextSize: number;
  createContext(options: object): Promise<{ readonly contextSize: number; getSequence(): Sequence }>;
}
interface Meter {
  usedInputTokens: number;
  usedOutputTokens: number;
}
interface Sequence {
  clearHistory(): Promise<void>;
  readonly tokenMeter: { getState(): Meter; diff(before: Meter): Meter };
}
interface Chat {
  readonly chatWrapper: ChatWrapper;
  generateResponse(
    history: HistoryItem[],
    options: object,
  ): Promise<{
    functionCalls?: { functionName: string; params: unknown }[];
    metadata: { stopReason: string };
  }>;
}

interface Completion {
  generateCompletionWithMeta(
    input: readonly number[],
    options: object,
  ): Promise<{ metadata: { stopReason: string } }>;
}

/** One answer at a time is generated in it. */
interface Lane {
  sequence: Sequence;
  chat: Chat;
  /** The same template, with an answer that begins inside a call of a function. */
  calling: Chat;
  completion: Completion;
}

interface Work {
  signal: AbortSignal;
  /** `tokens`: ids behind the text, where the answer could be continued behind them. */
  onPiece(piece: Piece & { tokens?: number[] }): void;
}

interface WorkEnd {
  finishReason: FinishReason;
  usage: PromptUsage;
  /** Earlier messages that the context does not hold. */
  leftOut?: number;
}

/** What is asked for cannot be done, and the model was not asked; or what it said is not what it was held to. */
type Refusal = Extract<FailureCode, 'context_length_exceeded' | 'unsupported' | 'engine_garbage'>;

export interface LoadedModel {
  readonly contextTokens: number;
  /** `kept`: token ids that were said already; the answer goes on behind them. At most as many at once as sequences were asked for. */
  generate(prompt: Prompt, work: Work, kept?: readonly number[]): Promise<WorkEnd | Refusal>;
  embed(texts: readonly string[], work: Work): Promise<WorkEnd | Refusal>;
}

/** More than any template has before and behind the name of what is called. */
const callMarksTokens = 32;
/** Used when a request says nothing about temperature; the package's own default is greedy. */
const temperatureDefault = 0.8;

/** A model loaded once by node-llama-cpp with some sequences; the chat template is the model's own. */
export class Llama implements LoadedModel {
  readonly contextTokens: number;
  readonly #library: Library;
  readonly #threads: number;
  readonly #model: Model;
  readonly #free: Lane[];
  #embedding: EmbeddingContext | undefined;

  private constructor(parts: {
    library: Library;
    model: Model;
    lanes: Lane[];
    contextTokens: number;
    threads: number;
  }) {
    this.#library = parts.library;
    this.#model = parts.model;
    this.#free = parts.lanes;
    this.contextTokens = parts.contextTokens;
    this.#threads = parts.threads;
  }

  /** Loads a GGUF file. What fails is told by a word; the texts of the library may hold paths and go to nobody. */
  static async load(request: LoadRequest): Promise<Llama | { fault: LoadFault }> {
    let fault: LoadFault = 'file';
    try {
      const wrong = ggufFileFault(request.modelFile);
      if (wrong !== undefined) throw new Error(`the GGUF file is damaged: ${wrong}`);
      fault = 'package';
      const { getLlama, LlamaChat, LlamaCompletion, LlamaLogLevel } = (await import(
        request.llamaPackage
      )) as LlamaPackage;
      fault = 'binary';
      const library = await getLlama({
        build: 'never',
        gpu: process.platform === 'darwin' ? 'auto' : false,
        progressLogs: false,
        logLevel: LlamaLogLevel.disabled,
      });
      fault = 'model';
      const model = await library.loadModel({ modelPath: request.modelFile });
      fault = 'context';
      const context = await model.createContext({
        contextSize: Math.min(request.contextTokens, model.trainContextSize),
        threads: request.threads,
        sequences: request.sequences,
      });
      const lanes = Array.from({ length: request.sequences }, (): Lane => {
        const sequence = context.getSequence();
        const contextSequence = { contextSequence: sequence };
        const chat = new LlamaChat(contextSequence);
        return {
          sequence,
          chat,
          calling: new LlamaChat({ ...contextSequence, chatWrapper: callingAtOnce(chat.chatWrapper) }),
          completion: new LlamaCompletion(contextSequence),
        };
      });
      const { threads } = request;
      return new Llama({ library, model, lanes, contextTokens: context.contextSize, threads });
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      return { fault };
    }
  }

  /**
   * Generates one answer in a cleared sequence. Earlier turns that leave too little room for an answer are left out; when the newest one
   * leaves none, it is refused.
   */
  async generate(prompt: Prompt, work: Work, kept: readonly number[] = []): Promise<WorkEnd | Refusal> {
    const lane = this.#free.pop();
    if (lane === undefined) throw new Error('more answers were asked for at once than there are sequences');
    const before = lane.sequence.tokenMeter.getState();
    try {
      return await this.#generate(lane, prompt, work, kept);
    } catch (error) {
      // The library makes no grammar of some schemas, and says so when it is asked for one, while it writes them down for the model, or
      // only of what the grammar let through. That is the fault of who asked, and no reason to end the process that others use.
      if (prompt.tools === undefined && prompt.format === undefined) throw error;
      const said = lane.sequence.tokenMeter.diff(before).usedOutputTokens > 0;
      return said ? 'engine_garbage' : 'unsupported';
    } finally {
      await lane.sequence.clearHistory();
      this.#free.push(lane);
    }
  }

  async #generate(
    { sequence, chat, calling, completion }: Lane,
    prompt: Prompt,
    { signal, onPiece }: Work,
    kept: readonly number[],
  ): Promise<WorkEnd | Refusal> {
    const { sampling } = prompt;
    const grammar = await this.#grammar(prompt.format);
    if (grammar === null) return 'unsupported';
    const { tools, toolChoice } = prompt;
    const functions = tools === undefined ? undefined : functionsOf(toolsToChoose(tools, toolChoice));
    if (toolChoice !== undefined && Object.keys(functions ?? {}).length === 0) return 'unsupported';
    const stateOf = (messages: PromptMessage[]) =>
      chat.chatWrapper.generateContextState({
        chatHistory: historyOf(messages),
        ...(functions === undefined ? {} : { availableFunctions: functions, documentFunctionParams: true }),
      });
    const idsOf = (messages: PromptMessage[]): number[] =>
      stateOf(messages).contextText.tokenize(this.#model.tokenizer);
    const wanted = this.contextTokens - answerRoom(this.contextTokens, sampling.maxTokens);
    const { messages, leftOut } = fittedHistory(prompt.messages, (some) => idsOf(some).length <= wanted);
    const history = historyOf(messages);
    const state = stateOf(messages);
    const promptIds = state.contextText.tokenize(this.#model.tokenizer);
    const promptTokens = promptIds.length;
    // The marks around a call count in the context and not as generated.
    const marks = functions === undefined ? 0 : this.#callMarks(Object.keys(functions));
    const room = this.contextTokens - promptTokens - marks;
    if (room < 1) return 'context_length_exceeded';
    const plain = grammar === undefined && functions === undefined;
    const before = sequence.tokenMeter.getState();
    const options = {
      signal,
      stopOnAbortSignal: true,
      maxTokens: Math.min(sampling.maxTokens ?? room, room) - kept.length,
      temperature: sampling.temperature ?? temperatureDefault,
      repeatPenalty: false,
      ...(sampling.topP === undefined ? {} : { topP: sampling.topP }),
      ...(sampling.topK === undefined ? {} : { topK: sampling.topK }),
      ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
    };
    const figures = () => ({
      usage: {
        prompt_tokens: promptTokens,
        completion_tokens: kept.length + sequence.tokenMeter.diff(before).usedOutputTokens,
      },
      ...(leftOut === 0 ? {} : { leftOut }),
    });
    if (kept.length > 0) {
      const { bos, shouldPrependBosToken } = this.#model.tokens;
      // The library puts the mark of the beginning before what it completes; it must stand there once.
      const marked = shouldPrependBosToken && bos !== null;
      if (!plain || (marked && promptIds[0] !== bos)) return 'unsupported';
      if (options.maxTokens < 1) return { finishReason: 'length', ...figures() };
      const said = [...kept];
      const { metadata } = await completion.generateCompletionWithMeta(
        [...(marked ? promptIds.slice(1) : promptIds), ...kept],
        {
          ...options,
          onToken: (tokens: number[]) => {
            onPiece({ type: 'delta', text: this.#model.detokenize(tokens, false, said), tokens });
            said.push(...tokens);
          },
          customStopTriggers: [...state.stopGenerationTriggers, ...(sampling.stop ?? [])],
        },
      );
      return { finishReason: metadata.stopReason === 'maxTokens' ? 'length' : 'stop', ...figures() };
    }
    // The library tells the tokens of a text just before the text.
    let ids: number[] = [];
    const speaker = toolChoice === undefined ? chat : calling;
    const { metadata, functionCalls = [] } = await speaker.generateResponse(history, {
      ...options,
      onToken: (tokens: number[]) => {
        ids = tokens;
      },
      onTextChunk: (text: string) => onPiece({ type: 'delta', text, ...(plain ? { tokens: ids } : {}) }),
      ...(functions === undefined ? {} : { functions, documentFunctionParams: true }),
      // Who must call calls once.
      ...(toolChoice === undefined ? {} : { maxParallelFunctionCalls: 1 }),
      ...(grammar === undefined ? {} : { grammar }),
      ...(sampling.stop === undefined ? {} : { customStopTriggers: sampling.stop }),
    });
    const calls = functionCalls.map(callOf);
    if (calls.includes(null)) return 'engine_garbage';
    for (const call of calls) if (call !== null) onPiece({ type: 'tool_call', call });
    const ended = calls.length > 0 ? 'tool_calls' : 'stop';
    return { finishReason: metadata.stopReason === 'maxTokens' ? 'length' : ended, ...figures() };
  }

  /** Vectors of length 1, one for each text; a text longer than the context is refused, never cut. */
  async embed(texts: readonly string[], { signal, onPiece }: Work): Promise<WorkEnd | Refusal> {
    const tokens = texts.map((text) => this.#model.tokenize(text));
    // The library adds a beginning and an end of its own.
    if (tokens.some(({ length }) => length + 2 > this.contextTokens)) return 'context_length_exceeded';
    this.#embedding ??= await this.#model.createEmbeddingContext({
      contextSize: this.contextTokens,
      threads: this.#threads,
    });
    for (const input of tokens) {
      if (signal.aborted) break;
      const { vector } = await this.#embedding.getEmbeddingFor(input);
      onPiece({ type: 'vector', vector: unitLength(vector) });
    }
    const read = tokens.reduce((sum, { length }) => sum + length, 0);
    return { finishReason: 'stop', usage: { prompt_tokens: read, completion_tokens: 0 } };
  }

  #callMarks(names: readonly string[]): number {
    return callMarksTokens + Math.max(...names.map((name) => this.#model.tokenize(name).length));
  }

  /** What holds the answer to its format; null for a schema that cannot be made a grammar. */
  async #grammar(format: Prompt['format']): Promise<unknown> {
    if (format === undefined) return undefined;
    if (format === 'json') return this.#library.getGrammarFor('json');
    try {
      return await this.#library.createGrammarForJsonSchema(schemaForGrammar(format.schema));
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      return null;
    }
  }
}

function unitLength(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((figure) => figure / length);
}
