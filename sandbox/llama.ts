import { ggufFileFault } from './gguf.js';
import type { LoadFault } from './protocol.js';
import type { PromptMessage, PromptSampling, PromptUsage } from './types.js';

/**
 * The part of node-llama-cpp that is used. Written down here, not imported: the package is optional, and the program must
 * compile without it.
 */
interface LlamaPackage {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<Model> }>;
  LlamaChat: new (options: { contextSequence: Sequence }) => Chat;
  LlamaLogLevel: { disabled: string };
}
interface Model {
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
type HistoryItem = { type: 'system' | 'user'; text: string } | { type: 'model'; response: string[] };
interface Chat {
  readonly chatWrapper: {
    generateContextState(options: { chatHistory: HistoryItem[] }): {
      contextText: { tokenize(tokenizer: unknown): unknown[] };
    };
  };
  generateResponse(history: HistoryItem[], options: object): Promise<{ metadata: { stopReason: string } }>;
}

export interface LoadRequest {
  modelFile: string;
  threads: number;
  contextTokens: number;
  llamaPackage: string;
}

export interface GenerateRequest {
  messages: PromptMessage[];
  sampling: PromptSampling;
  signal: AbortSignal;
  onText(text: string): void;
}

export interface GenerateEnd {
  finishReason: 'stop' | 'length';
  usage: PromptUsage;
}

export interface LoadedModel {
  readonly contextTokens: number;
  generate(request: GenerateRequest): Promise<GenerateEnd | 'too_long'>;
}

/** Used when a request says nothing about temperature; the package's own default is greedy. */
const temperatureDefault = 0.8;

/** A model loaded by node-llama-cpp with one sequence; the chat template is the model's own. */
export class Llama implements LoadedModel {
  readonly contextTokens: number;
  readonly #model: Model;
  readonly #sequence: Sequence;
  readonly #chat: Chat;

  private constructor(model: Model, sequence: Sequence, chat: Chat, contextTokens: number) {
    this.#model = model;
    this.#sequence = sequence;
    this.#chat = chat;
    this.contextTokens = contextTokens;
  }

  /** Loads a GGUF file. What fails is told by a word; the texts of the library may hold paths and go to nobody. */
  static async load(request: LoadRequest): Promise<Llama | { fault: LoadFault }> {
    let fault: LoadFault = 'file';
    try {
      const wrong = ggufFileFault(request.modelFile);
      if (wrong !== undefined) throw new Error(`the GGUF file is damaged: ${wrong}`);
      fault = 'package';
      const { getLlama, LlamaChat, LlamaLogLevel } = (await import(request.llamaPackage)) as LlamaPackage;
      fault = 'binary';
      const llama = await getLlama({
        build: 'never',
        gpu: process.platform === 'darwin' ? 'auto' : false,
        progressLogs: false,
        logLevel: LlamaLogLevel.disabled,
      });
      fault = 'model';
      const model = await llama.loadModel({ modelPath: request.modelFile });
      fault = 'context';
      const context = await model.createContext({
        contextSize: Math.min(request.contextTokens, model.trainContextSize),
        threads: request.threads,
        sequences: 1,
      });
      const sequence = context.getSequence();
      const chat = new LlamaChat({ contextSequence: sequence });
      return new Llama(model, sequence, chat, context.contextSize);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      return { fault };
    }
  }

  /** Generates one answer from a cleared sequence; a prompt that leaves no room for an answer is `too_long`, never cut. */
  async generate(request: GenerateRequest): Promise<GenerateEnd | 'too_long'> {
    const { sampling, signal } = request;
    const history = historyOf(request.messages);
    const state = this.#chat.chatWrapper.generateContextState({ chatHistory: history });
    const promptTokens = state.contextText.tokenize(this.#model.tokenizer).length;
    const room = this.contextTokens - promptTokens;
    if (room < 1) return 'too_long';
    await this.#sequence.clearHistory();
    const before = this.#sequence.tokenMeter.getState();
    const { metadata } = await this.#chat.generateResponse(history, {
      onTextChunk: request.onText,
      signal,
      stopOnAbortSignal: true,
      maxTokens: Math.min(sampling.maxTokens ?? room, room),
      temperature: sampling.temperature ?? temperatureDefault,
      repeatPenalty: false,
      ...(sampling.topP === undefined ? {} : { topP: sampling.topP }),
      ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
      ...(sampling.stop === undefined ? {} : { customStopTriggers: sampling.stop }),
    });
    const used = this.#sequence.tokenMeter.diff(before);
    return {
      finishReason: metadata.stopReason === 'maxTokens' ? 'length' : 'stop',
      usage: { prompt_tokens: promptTokens, completion_tokens: used.usedOutputTokens },
    };
  }
}

/** The history as the package wants it: it ends with the answer to be written. */
function historyOf(messages: PromptMessage[]): HistoryItem[] {
  const history = messages.map((message): HistoryItem => {
    if (message.role === 'assistant') return { type: 'model', response: [message.content] };
    return { type: message.role === 'system' ? 'system' : 'user', text: message.content };
  });
  if (history.at(-1)?.type !== 'model') history.push({ type: 'model', response: [] });
  return history;
}
