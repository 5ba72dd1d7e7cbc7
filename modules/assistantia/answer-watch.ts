import type {
  Guard,
  GuardResult,
  OutputGuard,
  OutputStep,
  WatchOptions,
} from '../../runtime/contracts/guard.js';
import type { ToolCall } from '../../runtime/contracts/sandbox.js';

/** Watches one answer: its text as it streams, and each tool call whole. */
export class AnswerWatch {
  /** What was passed on. */
  text = '';
  readonly calls: ToolCall[] = [];
  /** Why the answer was cut, or would have been. */
  cut: GuardResult | undefined;
  readonly #guard: Guard;
  readonly #options: WatchOptions;
  readonly #watch: OutputGuard;

  constructor(guard: Guard, options: WatchOptions) {
    this.#guard = guard;
    this.#options = options;
    this.#watch = guard.watchOutput(options);
  }

  /** Whether the answer ends here. */
  get ended(): boolean {
    return this.cut !== undefined && this.#options.action === 'enforce';
  }

  /** What is held back: where in the answer it begins, and how many code units. */
  held(): { from: number; count: number } {
    return this.#watch.held();
  }

  /** Takes text, or the end of it; gives back what may go to the client now. */
  take(text: string | undefined): string {
    return this.#pass(text === undefined ? this.#watch.finish() : this.#watch.push(text));
  }

  /** What was held for too long, which goes to the client now. */
  expire(): string {
    return this.#pass(this.#watch.expire());
  }

  #pass({ release, cut }: OutputStep): string {
    this.text += release;
    this.cut ??= cut;
    return release;
  }

  /** Whether the call may go to the client. All words in it are judged as if they were said. */
  allows(call: ToolCall): boolean {
    const watch = this.#guard.watchOutput(this.#options);
    const said = [call.name, ...wordsIn(JSON.parse(call.arguments))].join('\n');
    this.cut ??= watch.push(said).cut ?? watch.finish().cut;
    if (this.ended) return false;
    this.calls.push(call);
    return true;
  }
}

/** Every key and text in a JSON value, so that no escape hides a word. */
function wordsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(wordsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...wordsIn(item)]);
}
