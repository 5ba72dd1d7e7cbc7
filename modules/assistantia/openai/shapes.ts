import type { Receipt } from '../../../runtime/contracts/ledger.js';
import type { PromptUsage } from '../../../runtime/contracts/sandbox.js';
import type { Answer } from '../question.js';

/** Value of the header Arkalia-Receipt. */
export function receiptHeader({ index, leaf_hash, recorded }: Receipt | Answer['receipt']): string {
  return `index=${index}; leaf=${leaf_hash}; recorded=${recorded}`;
}

export function usageOf(usage: PromptUsage | undefined): Record<string, number> | undefined {
  if (usage === undefined) return undefined;
  const { prompt_tokens, completion_tokens } = usage;
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/** Our own part of an answer, under the key `arkalia`: clients pass over it. */
export function arkaliaOf({ engine, receipt, reasons, replayed, leftOut }: Answer): Record<string, unknown> {
  return {
    engine,
    receipt,
    ...(reasons.length === 0 ? {} : { reasons }),
    ...(replayed === true ? { replayed } : {}),
    ...(leftOut === undefined ? {} : { left_out: leftOut }),
  };
}

/** An answer's own id, and when it was asked for, in seconds. */
export interface Head {
  id: string;
  created: number;
}

export function headOf(prefix: 'chatcmpl' | 'cmpl', { id, askedMs }: { id: string; askedMs: number }): Head {
  return { id: `${prefix}-${id}`, created: Math.floor(askedMs / 1000) };
}
