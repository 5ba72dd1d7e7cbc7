import type { DegradationLevel } from '../contracts/device.js';

const modelNames = 'answers by language models';

/** What each level sheds, in words; a level sheds what the levels before it shed, or more of it. */
const shed: Record<DegradationLevel, string[]> = {
  normal: [],
  light: [],
  moderate: ['half of the places in the queues of the engines'],
  heavy: ['the queues of the engines: who cannot start at once is refused'],
  emergency: [modelNames],
  survival: [modelNames, 'the built-in assistant'],
};

export function shedAt(level: DegradationLevel): string[] {
  return [...shed[level]];
}

/** Prompts that may wait for an engine at this level. */
export function waitingMaxAt(level: DegradationLevel, configured: number): number {
  if (level === 'moderate') return Math.ceil(configured / 2);
  return level === 'normal' || level === 'light' ? configured : 0;
}

/** Whether an engine answers at all at this level. */
export function servedAt(level: DegradationLevel, engine: string): boolean {
  if (level === 'survival') return false;
  return level !== 'emergency' || engine === 'navigator';
}
