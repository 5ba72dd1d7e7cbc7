import type { EmbeddedOptions, Incident, SandboxOptions } from '../../sandbox/options.js';
import type {
  ChatJob,
  FinishReason,
  NavigatorBrief,
  PromptJob,
  PromptRunner,
  ToolCall,
} from '../../sandbox/types.js';

/** Options of the embedded engine; every one can be changed. */
export function embeddedOptions(changes: Partial<EmbeddedOptions> = {}): EmbeddedOptions {
  return {
    threads: 1,
    context_tokens: 1024,
    sequences: 1,
    memory_bytes: 4_294_967_296,
    idle_timeout_ms: 60_000,
    keep_alive_ms: 0,
    ...changes,
  };
}

/**
 * Options of a small sandbox that finds no engine but navigator; every section can be changed. Workers serve one prompt after the other
 * on every version of Node, so that tests may count them; residue.test asks for what the product does.
 */
export function sandboxOptions(
  changes: {
    sandbox?: Partial<SandboxOptions['sandbox']>;
    engines?: Partial<SandboxOptions['engines']>;
    internal?: SandboxOptions['internal'];
    models_dir?: string;
    onIncident?: (incident: Incident) => void;
  } = {},
): SandboxOptions {
  const remote = { connect_timeout_ms: 2000, idle_timeout_ms: 10_000 };
  return {
    sandbox: {
      require: 'process',
      workers: 2,
      cpu_seconds: 300,
      memory_bytes: 268_435_456,
      prompts_max: 1_000_000,
      fresh: 'never',
      output_bytes_max: 1_048_576,
      ...changes.sandbox,
    },
    engines: {
      order: ['ollama', 'openai', 'embedded', 'navigator'],
      probe: false,
      ollama: remote,
      openai: remote,
      embedded: embeddedOptions(),
      ...changes.engines,
    },
    models_dir: changes.models_dir ?? '/nonexistent/models',
    viaToken: 'test-token',
    monotonicMs: () => performance.now(),
    onIncident: changes.onIncident ?? (() => {}),
    internal: { wipesWhole: true, ...changes.internal },
  };
}

const brief: NavigatorBrief = { lang: 'en', topics: [], passages: [], modelLoaded: false };

/** A job with one question. */
export function jobFor(engine: PromptJob['engine'], content: string, model = 'scripted-model'): ChatJob {
  const job = { messages: [{ role: 'user' as const, content }], sampling: { temperature: 0 }, model };
  return engine === 'navigator' ? { ...job, engine, brief } : { ...job, engine };
}

export interface Answer {
  text: string;
  /** Absent when there is none. */
  calls?: ToolCall[];
  vectors?: number[][];
  finishReason: FinishReason;
  model: string;
  usage?: { prompt_tokens: number; completion_tokens: number };
}

/** Runs a prompt to its end; throws what it throws, and when it ends without `done`. */
export async function answerOf(
  runner: PromptRunner,
  job: PromptJob,
  options: {
    timeoutMs?: number;
    signal?: AbortSignal;
    untrusted?: boolean;
    onDelta?: (text: string) => void;
  } = {},
): Promise<Answer> {
  const signal = options.signal ?? new AbortController().signal;
  let text = '';
  const calls: ToolCall[] = [];
  const vectors: number[][] = [];
  let done: Answer | undefined;
  const { timeoutMs = 20_000, untrusted = false } = options;
  for await (const event of runner.run(job, { timeoutMs, signal, untrusted })) {
    if (done !== undefined) throw new Error('an event came after done');
    if (event.type === 'delta') {
      text += event.text;
      options.onDelta?.(event.text);
    } else if (event.type === 'tool_call') calls.push(event.call);
    else if (event.type === 'vector') vectors.push(event.vector);
    else {
      const { type: _, ...rest } = event;
      done = {
        text,
        ...(calls.length === 0 ? {} : { calls }),
        ...(vectors.length === 0 ? {} : { vectors }),
        ...rest,
      };
    }
  }
  if (done === undefined) throw new Error('the prompt ended without done');
  return done;
}
