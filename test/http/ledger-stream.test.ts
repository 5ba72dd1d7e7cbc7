import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { adminHeaders } from './operations.js';

let appliance: TestAppliance;
beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_REFLEXIA_INTERVAL_MS: '3600000' } });
});
afterAll(() => appliance.close());

interface Frame {
  id?: string;
  event?: string;
  data?: { index: number; type: string; code?: string };
}

/** Follows until `enough` says so, or to the end of the stream. */
async function follow(
  query: string,
  enough: (frames: Frame[]) => boolean,
  headers: Record<string, string> = {},
): Promise<Frame[]> {
  const abort = new AbortController();
  const response = await fetch(`${appliance.url}/ledger/events/stream${query}`, {
    headers,
    signal: abort.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const frames: Frame[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    const parts = text.split('\n\n');
    text = parts.pop()!;
    for (const part of parts.filter((lines) => !lines.startsWith(':'))) {
      const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
      frames.push({ ...fields, data: JSON.parse(fields.data) });
    }
    if (enough(frames)) break;
  }
  abort.abort();
  return frames;
}

const decide = async (): Promise<number> => {
  const answer = await appliance.post('/zeroia/decisions', {
    cpu: 1,
    ram: 1,
    severity: 'none',
    stream: 'followed',
  });
  return ((await answer.json()) as { receipt: { index: number } }).receipt.index;
};

test('events come as they are recorded, and a client that comes back misses none', async () => {
  const before = [await decide(), await decide()];
  const query = '?stream=posted:followed&since=0';
  const following = follow(query, ({ length }) => length >= 4);
  const after = [await decide(), await decide()];
  const frames = await following;
  expect(frames.map(({ data }) => data!.index)).toEqual([...before, ...after]);
  expect(frames.map(({ id }) => Number(id))).toEqual([...before, ...after]);

  const last = { 'last-event-id': String(before[1]) };
  const resumed = await follow(query, ({ length }) => length >= 2, last);
  expect(resumed.map(({ data }) => data!.index)).toEqual(after);
});

test('without a position it begins now', async () => {
  const made: number[] = [];
  const frames = follow('?stream=posted:followed', ({ length }) => length >= 1);
  // Until it follows: the first decision that it sees is one made after it began.
  for (let seen = false; !seen; ) {
    made.push(await decide());
    seen = await Promise.race([
      frames.then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 20)),
    ]);
  }
  expect(made).toContain((await frames)[0]!.data!.index);
});

test('a position or filter that makes no sense is refused before the stream begins', async () => {
  for (const [query, headers] of [
    ['?since=-1', {}],
    ['?order=asc', {}],
    ['', { 'last-event-id': 'abc' }],
  ] as const) {
    const response = await fetch(`${appliance.url}/ledger/events/stream${query}`, { headers });
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'invalid_request' }]);
  }
});

test('32 follow at a time, and a place is free again when one goes', async () => {
  const headers = await adminHeaders(appliance);
  const aborts = Array.from({ length: 32 }, () => new AbortController());
  const open = ({ signal }: { signal: AbortSignal }) =>
    fetch(`${appliance.url}/ledger/events/stream`, { headers, signal });
  await Promise.all(aborts.map(open));
  const refused = await open(new AbortController());
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'ledger_unavailable' }]);
  aborts[0]!.abort();
  let answer: Response;
  const again = new AbortController();
  do answer = await open(again);
  while (answer.status === 503);
  expect(answer.status).toBe(200);
  again.abort();
  for (const abort of aborts) abort.abort();
});

test('the server stops at once although somebody follows, who is told', async () => {
  const following = follow('', () => false);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await appliance.end()).toBe(0);
  expect((await following).at(-1)).toEqual({ event: 'end', data: { code: 'shutting_down' } });
});
