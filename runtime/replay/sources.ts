import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { JsonValue } from '../contracts/json.js';
import type { RecordedDecision } from './compare.js';
import { isObject } from './recorded-input.js';

/** Decisions in one page. */
const pageDecisions = 500;
/** Longest line of a file: more than any event takes. */
const lineCharsMax = 1_048_576;

export interface Selection {
  /** Only decisions at this index or later. */
  since: number;
  /** At most so many decisions. */
  limit: number;
}

/** One page of events of the type `decision_made` from an index on, in order. */
export type AskPage = (since: number, limit: number) => Promise<unknown[]>;

/** Decisions of a ledger that is asked page by page. */
export async function* pagesOfLedger(
  ask: AskPage,
  { since, limit }: Selection,
): AsyncGenerator<RecordedDecision[]> {
  let from = since;
  let left = limit;
  while (left > 0) {
    const wanted = Math.min(pageDecisions, left);
    const page = (await ask(from, wanted)).map((event) => {
      const decision = decisionOf(event, undefined);
      if (decision === undefined) throw new Error('the ledger gave something that is no decision');
      return decision;
    });
    if (page.length > 0) yield page;
    if (page.length < wanted) return;
    left -= page.length;
    from = page.at(-1)!.index + 1;
  }
}

/**
 * Decisions of a file of events, one JSON object a line, as `/ledger/events` lists them or `arkalia export` writes them. Other events are
 * left out. A leaf of the ledger has no index: its line, from 0, stands for it.
 * @throws Error that names the line that is none.
 */
export async function* pagesOfFile(
  file: string,
  { since, limit }: Selection,
): AsyncGenerator<RecordedDecision[]> {
  const input = createReadStream(file, 'utf8');
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let page: RecordedDecision[] = [];
  let left = limit;
  let line = 0;
  try {
    for await (const text of lines) {
      if (left <= 0) break;
      const decision = text.trim() === '' ? undefined : decisionOf(parseLine(text, line), line);
      line += 1;
      if (decision === undefined || decision.index < since) continue;
      page.push(decision);
      left -= 1;
      if (page.length < pageDecisions) continue;
      yield page;
      page = [];
    }
  } finally {
    lines.close();
    input.destroy();
  }
  if (page.length > 0) yield page;
}

function parseLine(text: string, line: number): unknown {
  const where = `line ${line + 1} of the file`;
  if (text.length > lineCharsMax) throw new Error(`${where} is longer than ${lineCharsMax} characters`);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`${where} is not JSON: one event a line is expected`);
  }
}

/** The decision in an event; undefined for another event. */
function decisionOf(event: unknown, line: number | undefined): RecordedDecision | undefined {
  const fields = isObject(event as JsonValue) ? (event as Record<string, JsonValue>) : {};
  const { index = line, leaf } = fields;
  const { type, data } = isObject(leaf) ? leaf : fields;
  if (type !== 'decision_made' || !isObject(data) || !Number.isSafeInteger(index)) return undefined;
  return { index: index as number, data };
}
