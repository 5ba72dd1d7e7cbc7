import { readFileSync } from 'node:fs';
import { childrenRunning } from '../chat/support.js';
import type { TestAppliance } from '../support/appliance.js';
import type { ChatClient } from './chat-client.js';
import { type Spread, spreadOf } from './chat-journey.js';

export interface Streams {
  streams: number;
  /** Streams that had said something and had not ended, at most at once. */
  speakingAtOnce: number;
  /** Answers that were whole, character by character, to their mark of the end. */
  whole: number;
  failed: string[];
  firstText: Spread;
  lastMs: number;
}

/** Opens all streams at once. */
export async function streamsAtOnce(
  client: ChatClient,
  { streams, prompt, expected }: { streams: number; prompt: (index: number) => string; expected: string },
): Promise<Streams> {
  const failed: string[] = [];
  const first: number[] = [];
  let speaking = 0;
  let speakingAtOnce = 0;
  let whole = 0;
  const began = performance.now();
  const one = async (index: number) => {
    let begun = false;
    try {
      const { text, firstMs } = await client.ask(prompt(index), () => {
        if (begun) return;
        begun = true;
        speaking += 1;
        speakingAtOnce = Math.max(speakingAtOnce, speaking);
      });
      first.push(firstMs);
      if (text === expected) whole += 1;
      else failed.push(`stream ${index} said ${text.length} characters of ${expected.length}`);
    } catch (error) {
      failed.push(`stream ${index}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      if (begun) speaking -= 1;
    }
  };
  await Promise.all(Array.from({ length: streams }, (_, index) => one(index)));
  return {
    streams,
    speakingAtOnce,
    whole,
    failed,
    firstText: spreadOf(first),
    lastMs: performance.now() - began,
  };
}

/** Memory of a process in MiB: resident, and its share of what it shares with others. */
export interface WorkerMemory {
  residentMiB: number;
  /** Null where the kernel does not say. */
  shareMiB: number | null;
}

/** Of each worker of the appliance; none where there is no /proc. */
export function workerMemory(appliance: TestAppliance): WorkerMemory[] {
  if (process.platform !== 'linux') return [];
  const figure = (text: string, name: string) =>
    Math.round((Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024) * 10) / 10;
  return childrenRunning(appliance, 'worker.js').map((pid) => {
    const residentMiB = figure(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS');
    try {
      return { residentMiB, shareMiB: figure(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Pss') };
    } catch (error) {
      // Only root may read it of another user's process.
      if (!['EACCES', 'EPERM', 'ENOENT'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
      return { residentMiB, shareMiB: null };
    }
  });
}
