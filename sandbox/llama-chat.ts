import { schemaForGrammar } from './grammar-schema.js';
import type { Prompt, PromptMessage, PromptTool, ToolCall } from './types.js';

/** What node-llama-cpp calls a chat: histories, functions and the template of a model, as far as they are used. */

interface HistoryCall {
  type: 'functionCall';
  name: string;
  params: unknown;
  result: unknown;
}
export type HistoryItem =
  | { type: 'system' | 'user'; text: string }
  | { type: 'model'; response: (string | HistoryCall)[] };
type Functions = Record<string, { description?: string; params?: object }>;
interface ContextState {
  contextText: { tokenize(tokenizer: unknown): number[] };
  stopGenerationTriggers: unknown[];
  /** The answer begins inside a call, and where nothing ends that, it is one. */
  functionCall?: { initiallyEngaged: boolean; disengageInitiallyEngaged: unknown[] };
}
export interface ChatWrapper {
  generateContextState(options: {
    chatHistory: HistoryItem[];
    availableFunctions?: Functions;
    documentFunctionParams?: boolean;
  }): ContextState;
}

/** A template whose answers begin with a call of a function: the library then holds the name and the arguments by a grammar. */
export function callingAtOnce<T extends ChatWrapper>(wrapper: T): T {
  return new Proxy(wrapper, {
    get(target, key) {
      if (key === 'generateContextState')
        return (options: Parameters<ChatWrapper['generateContextState']>[0]): ContextState => {
          const { contextText, stopGenerationTriggers } = target.generateContextState(options);
          const functionCall = { initiallyEngaged: true, disengageInitiallyEngaged: [] };
          return { contextText, stopGenerationTriggers, functionCall };
        };
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The tools of which one is called: that which is named, or all. */
export function toolsToChoose(
  tools: readonly PromptTool[],
  choice: Prompt['toolChoice'],
): readonly PromptTool[] {
  return typeof choice === 'object' ? tools.filter(({ name }) => name === choice.name) : tools;
}

/** What the package takes for tools. An empty schema says no more than none. */
export function functionsOf(tools: readonly PromptTool[]): Functions {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      {
        ...(description === undefined ? {} : { description }),
        ...(parameters === undefined || Object.keys(parameters).length === 0
          ? {}
          : { params: schemaForGrammar(parameters) }),
      },
    ]),
  );
}

/** A call in our own form; null for arguments that are no object, which a schema of something else gives. */
export function callOf({ functionName, params }: { functionName: string; params: unknown }): ToolCall | null {
  const given = params ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return null;
  return { id: '', name: functionName, arguments: JSON.stringify(given) };
}

/** The history as the package wants it: a tool's result stands in its call, and it ends with the answer to be written. */
export function historyOf(messages: PromptMessage[]): HistoryItem[] {
  const history: HistoryItem[] = [];
  const open = new Map<string, HistoryCall>();
  for (const { role, content, toolCalls = [], answers } of messages) {
    const called = role === 'tool' ? open.get(answers?.id ?? '') : undefined;
    if (called !== undefined) called.result = content;
    else if (role !== 'assistant')
      history.push({ type: role === 'system' ? 'system' : 'user', text: content });
    else {
      const calls = toolCalls.map((call): HistoryCall => {
        const made = {
          type: 'functionCall' as const,
          name: call.name,
          params: JSON.parse(call.arguments),
          result: null,
        };
        open.set(call.id, made);
        return made;
      });
      history.push({
        type: 'model',
        response: content === '' && calls.length > 0 ? calls : [content, ...calls],
      });
    }
  }
  if (history.at(-1)?.type !== 'model') history.push({ type: 'model', response: [] });
  return history;
}
