import type { NavigatorTopic } from '../../types.js';

const TEXT_CHARS_MAX = 300;

/** Text that we did not write, fit to be shown: one line, without control, format or private characters, at most `charsMax` long. */
export function clean(text: string, charsMax = TEXT_CHARS_MAX): string {
  const line = text
    .slice(0, charsMax * 4)
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '')
    .trim();
  return line.length <= charsMax ? line : `${line.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Reads the facts of one topic. A figure that is absent reads as undefined, and never as anything else. */
export class FactReader {
  readonly #facts: NavigatorTopic['facts'];
  readonly #decimal: string;

  constructor(facts: NavigatorTopic['facts'], lang: 'en' | 'fr') {
    this.#facts = facts;
    this.#decimal = lang === 'fr' ? ',' : '.';
  }

  #get(name: string): string | number | boolean | undefined {
    return Object.hasOwn(this.#facts, name) ? this.#facts[name] : undefined;
  }

  /** Whether there is any fact besides the one named. */
  hasBeside(name: string): boolean {
    return Object.keys(this.#facts).some((other) => other !== name);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.#get(name);
    return typeof value === 'boolean' ? value : undefined;
  }

  /** Text or number as it is, made fit to be shown. */
  text(name: string): string | undefined {
    const value = this.#get(name);
    return value === undefined ? undefined : clean(String(value));
  }

  /** A number with at most `digits` decimals and its unit. */
  number(name: string, unit = '', digits = 1): string | undefined {
    const value = this.#get(name);
    if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
    return `${String(Number(value.toFixed(digits))).replace('.', this.#decimal)}${unit}`;
  }

  /** Bytes in megabytes (10^6). */
  megabytes(name: string, unit: string): string | undefined {
    const value = this.#get(name);
    if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
    return `${String(Number((value / 1e6).toFixed(1))).replace('.', this.#decimal)}${unit}`;
  }

  /** Milliseconds in the two largest units that matter: `2 d 3 h`, `5 min 4 s`, `0.3 s`. */
  duration(name: string, dayUnit: string): string | undefined {
    const value = this.#get(name);
    if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value)) return undefined;
    if (value < 10_000) return `${String(Number((value / 1000).toFixed(1))).replace('.', this.#decimal)} s`;
    const seconds = Math.round(value / 1000);
    const parts: [number, string][] = [
      [Math.floor(seconds / 86_400), dayUnit],
      [Math.floor(seconds / 3600) % 24, 'h'],
      [Math.floor(seconds / 60) % 60, 'min'],
      [seconds % 60, 's'],
    ];
    const first = parts.findIndex(([count]) => count > 0);
    return parts
      .slice(first, first + 2)
      .filter(([count]) => count > 0)
      .map(([count, unit]) => `${count} ${unit}`)
      .join(' ');
  }

  /** An ISO time as `2026-01-02 03:04:05 UTC`. */
  time(name: string): string | undefined {
    return this.text(name)?.replace(/^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/, '$1 $2 UTC');
  }
}
