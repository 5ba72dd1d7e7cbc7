import type { CliIo } from '../io.js';

/** A process that is none: keeps what was printed, and lets a test send signals. */
export class FakeIo implements CliIo {
  stdout = '';
  stderr = '';
  exits: number[] = [];
  terminal = { columns: 80, colours: false };
  readonly #signals = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>();
  readonly #uncaught = new Set<(error: Error) => void>();

  constructor(readonly env: Record<string, string | undefined> = {}) {}

  out = (text: string): void => {
    this.stdout += text;
  };
  outReady = async (): Promise<void> => {};
  err = (text: string): void => {
    this.stderr += text;
  };
  exit = (code: number): void => {
    this.exits.push(code);
  };
  onSignal(handler: (signal: 'SIGINT' | 'SIGTERM') => void): () => void {
    this.#signals.add(handler);
    return () => this.#signals.delete(handler);
  }
  onUncaught(handler: (error: Error) => void): () => void {
    this.#uncaught.add(handler);
    return () => this.#uncaught.delete(handler);
  }

  /** How many still listen; 0 when a verb has cleaned up behind itself. */
  get listening(): number {
    return this.#signals.size + this.#uncaught.size;
  }
  signal(name: 'SIGINT' | 'SIGTERM'): void {
    for (const handler of this.#signals) handler(name);
  }
  throwUncaught(error: Error): void {
    for (const handler of this.#uncaught) handler(error);
  }
}
