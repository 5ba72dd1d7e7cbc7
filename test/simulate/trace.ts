import { createHash } from 'node:crypto';

const tailMax = 60;

/** Everything that happened, as lines: a digest over all of them, and the last ones. Two runs that did the same have the same digest. */
export class Trace {
  readonly #digest = createHash('sha256');
  readonly #tail: string[] = [];
  readonly #nowMs: () => number;
  #lines = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** What a person wants to see when something is wrong. */
  add(what: string): void {
    const line = this.#take(what);
    this.#tail.push(line);
    if (this.#tail.length > tailMax) this.#tail.shift();
  }

  /** What is told too often to be shown. */
  count(what: string): void {
    this.#take(what);
  }

  get lines(): number {
    return this.#lines;
  }

  tail(): string[] {
    return [...this.#tail];
  }

  /** SHA-256 of every line so far, in hex. */
  digest(): string {
    return this.#digest.copy().digest('hex');
  }

  #take(what: string): string {
    const line = `${clockText(this.#nowMs())} ${what}`;
    this.#digest.update(line).update('\n');
    this.#lines++;
    return line;
  }
}

/** Virtual time as hours, minutes and seconds. */
export function clockText(ms: number): string {
  const whole = Math.floor(ms / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`;
}
