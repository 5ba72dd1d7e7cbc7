import { InvalidArgumentError, Option } from 'commander';

/** Runs a verb and keeps its exit code. */
export type Run = (verb: Promise<number>) => Promise<void>;

export const configOption = () =>
  new Option('--config <file>', 'configuration file (default: arkalia.toml here, if there is one)');
export const dataOption = () => new Option('--data <folder>', 'data folder (key data_dir)');
export const urlOption = () =>
  new Option('--url <address>', 'server to ask (default: the one of the configuration)');
export const keyOption = () =>
  new Option('--key <key>', 'key to show (default: the one in api_key_file, to our own server)');

export function wholeFrom(min: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min}.`);
  };
}

export function hours(text: string): number {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= 720) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 720.');
}

export function wordsText(text: string): string {
  if (/[\p{L}\p{N}]/u.test(text) && text.length <= 200) return text;
  throw new InvalidArgumentError('It must hold a word, and at most 200 characters.');
}

export function instant(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError(
    'It must be a time such as 2026-03-01T12:00:00Z, or milliseconds since 1970.',
  );
}

export function numberFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}
