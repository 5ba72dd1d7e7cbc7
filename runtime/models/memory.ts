import { totalmem } from 'node:os';
import type { ModelFacts } from '../contracts/sandbox.js';

/**
 * The process, 106 MB with a toy model, and the buffers in which llama.cpp computes. The largest of them has 512 figures of 4 bytes for each
 * word of the vocabulary: 263 MB for 128,256 words.
 */
const baseBytes = 400_000_000;

/** Memory that a loaded model needs, as reckoned: its file, the cache of keys and values for the whole context, and the process. */
export function memoryNeeded(facts: ModelFacts, fileBytes: number, contextTokens: number): number {
  const context = Math.min(contextTokens, facts.context_tokens ?? contextTokens);
  return fileBytes + context * (facts.cache_bytes_per_token ?? 0) + baseBytes;
}

/** The most that a model may need: engines.embedded.memory_bytes, and no more than this device or its container has. */
export function memoryLimit(configuredBytes: number): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  const there = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  return Math.min(configuredBytes, there);
}

/** Bytes for a person, such as `1.9 GB`. */
export function inWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
