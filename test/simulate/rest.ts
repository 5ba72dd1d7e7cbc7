import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasShim, Shim } from '../ledger-faults/shim.js';

/** What may be written to a card at rest. */
export const budget = { bytesPerDay: 50_000_000, syncsPerHour: 200 } as const;

/** Virtual time from the start that does not count: keys are made and modules begin. */
export const startMs = 10_000;

export interface RestOptions {
  seed: number;
  hours: number;
  /** Beside the defaults. */
  settings?: object;
}

/** What a device at rest wrote in so many hours. */
export interface RestDay {
  hours: number;
  /** By the clock of this machine. */
  tookMs: number;
  /** How many of each type were recorded. */
  events: Record<string, number>;
  /** To the data folder, by what the process called; null where calls cannot be counted. */
  disk: { syncs: number; syncsWorstHour: number; bytes: number } | null;
  /** By /proc/self/io, whole pages and what is mapped; null where it cannot be read. */
  ioBytes: number | null;
}

/** Simulates an appliance that nobody uses, on real files below the folder for temporary ones, in a process of its own. */
export async function restDay(options: RestOptions): Promise<RestDay> {
  const shim = hasShim ? new Shim() : undefined;
  const folder = shim?.dataDir ?? mkdtempSync(join(tmpdir(), 'arkalia-rest-'));
  try {
    const child = fork(
      fileURLToPath(new URL('./rest-day.js', import.meta.url)),
      [JSON.stringify({ ...options, folder })],
      { env: { ...process.env, ...shim?.env({ shadow: false }) } },
    );
    return await new Promise((resolve, reject) => {
      child.once('message', (told) => resolve(told as RestDay));
      child.once('exit', (code) => reject(new Error(`the simulated rest ended with ${code}`)));
    });
  } finally {
    shim?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}
