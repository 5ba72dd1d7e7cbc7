/** Small checks of values that came out of JSON.parse. By hand: a schema library would triple the start of a worker. */

export type Fields = Record<string, unknown>;

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown, lengthMax = Number.MAX_SAFE_INTEGER): value is string {
  return typeof value === 'string' && value.length <= lengthMax;
}

/** A whole number from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function isRealNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export function isOneOf<T extends string>(value: unknown, allowed: readonly T[]): value is T {
  return typeof value === 'string' && (allowed as readonly string[]).includes(value);
}

/** True when the value is absent, or present and right. */
export function isOptional<T>(value: unknown, check: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || check(value);
}

/** A name from outside, made fit to show: control and format characters removed, trimmed, bounded; empty when nothing is left. */
export function plainName(value: unknown, lengthMax = 256): string {
  if (typeof value !== 'string') return '';
  return value
    .slice(0, lengthMax)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '')
    .trim();
}
