import { join } from 'node:path';
import { systemClock } from '../../runtime/contracts/clock.js';
import type { NewEvent } from '../../runtime/contracts/ledger.js';
import { openLedger } from '../../runtime/ledger/ledger.js';

/** An answer of the built-in assistant, as /chat records it; `key` is whose it is, unless nobody's. */
export function answered(session: string, prompt: string, key?: string): NewEvent {
  const counts = { took_ms: 1, prompt_chars: prompt.length, answer_chars: 4 };
  const texts = { session, prompt, answer: 'Aye.', ...(key === undefined ? {} : { key }) };
  return {
    type: 'chat_answered',
    module: 'assistantia',
    data: {
      ...{ engine: 'navigator', model: 'navigator', finish_reason: 'stop', ...counts },
      ...{ flagged: [], cut: [], skipped: [] },
    },
    texts,
  };
}

/** Records the events in the ledger of a data folder that no server uses, in this order; the index of the first. */
export async function record(dataDir: string, events: readonly NewEvent[]): Promise<number> {
  const ledger = await openLedger({
    ...{ file: join(dataDir, 'ledger.sqlite'), bootId: 'before', clock: systemClock },
    ...{ queueMax: events.length + 1, batchMax: 1000 },
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    const [first] = await Promise.all(events.map((event) => ledger.append(event)));
    return first?.index ?? ledger.status().size;
  } finally {
    await ledger.close();
  }
}
