import type { DeviceSample } from '../../../runtime/contracts/device.js';

/** What is measured: a sample without its times and its list of absences. */
export type Readings = Omit<DeviceSample, 'wall_ms' | 'monotonic_ms' | 'absent' | 'energy' | 'forecasts'>;

/**
 * One measurement. `read` resolves to undefined when this device does not tell, with no more to say about it; it rejects when
 * something that should be readable is not. It must end soon after `signal` aborts, as far as the system lets it.
 */
export interface Sensor<K extends keyof Readings = keyof Readings> {
  readonly name: K;
  /** At least so long between two readings, the last one stands meanwhile; in every sample unless given. */
  readonly everyMs?: number;
  read(signal: AbortSignal): Promise<Readings[K] | undefined>;
}

/** What sensors ask of the machine; injected, so that a test can be any device. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** Rejects as fs.readFile does. */
  readText(path: string, signal: AbortSignal): Promise<string>;
  /** Names in a folder; rejects as fs.readdir does. */
  list(path: string): Promise<string[]>;
  /** Standard output of a command; rejects as execFile does, with code ENOENT when there is no such command. */
  run(command: string, args: string[], signal: AbortSignal): Promise<string>;
  /** Busy and total time of each core, in ms since boot, as os.cpus() tells it. */
  coreTimes(): { busy: number; total: number }[];
  totalMemoryBytes(): number;
}

/** Percent to two decimals: what the sensors resolve, and what a log can be read with. */
export function percent(part: number, whole: number): number {
  return Math.round(Math.min(1, Math.max(0, part / whole)) * 10_000) / 100;
}

/** The code of a failed system call, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A file's text, or undefined when this device has no such file. */
export async function readIfThere(
  machine: Machine,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await machine.readText(path, signal);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Names in a folder; none when this device has no such folder. */
export async function listIfThere(machine: Machine, path: string): Promise<string[]> {
  try {
    return await machine.list(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
