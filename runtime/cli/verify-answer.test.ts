import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import type { InclusionProof, NewEvent, Receipt } from '../contracts/ledger.js';
import { Database } from '../contracts/sqlite.js';
import { openLedger } from '../ledger/ledger.js';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';

const decided = {
  id: 'd-1',
  decision: 'monitor',
  confidence: 0.5312500000000001,
  absent: ['error_rate'],
  reasons: ['cpu_above_80'],
};
const spoke = { engine: 'ollama', model: 'm:1b', finish_reason: 'stop' };
const answered = {
  ...spoke,
  took_ms: 1,
  prompt_chars: 4,
  answer_chars: 10,
  flagged: [],
  cut: [],
  skipped: [],
};
const events: NewEvent[] = [
  { type: 'decision_made', module: 'zeroia', data: { ...decided, pressure: 0.775 } },
  {
    type: 'chat_answered',
    module: 'assistantia',
    data: answered,
    texts: { prompt: 'Why?', answer: 'Because é.' },
  },
  {
    type: 'chat_answered',
    module: 'assistantia',
    data: answered,
    texts: { prompt: 'Why?', answer: 'Erased.' },
  },
  { type: 'system_error', module: 'kernel', data: { name: 'n' } },
];

let folder: string;
let data: string;
let key: string;
let receipts: Receipt[];
let proof: InclusionProof;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-answer-'));
  data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const ledger = await openLedger({
    file: join(data, 'ledger.sqlite'),
    bootId: 'test',
    clock: systemClock,
    queueMax: 100,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });
  receipts = await Promise.all(events.map((event) => ledger.append(event)));
  await ledger.erase({ ids: [2] });
  proof = await ledger.log.inclusion({ index: 0 });
  key = ledger.log.verifierKey;
  await ledger.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function verify(answer: unknown, ...argv: string[]): Promise<[code: number, said: string]> {
  const file = join(folder, 'answer.json');
  writeFileSync(file, JSON.stringify(answer));
  const io = new FakeIo();
  const code = await runCli(['verify', '--data', data, '--receipt', file, ...argv], io);
  return [code, code === 0 ? io.stdout : io.stderr];
}

const decision = (changes: object = {}) => ({ ...decided, ...changes, factors: [], receipt: receipts[0] });
const chat = (changes: object = {}) => ({
  answer: 'Because é.',
  session_id: 's',
  ...spoke,
  ...changes,
  receipt: receipts[1],
});

it('says what of an answer its event says too', async () => {
  const both = 'The file says what that event says:';
  expect(await verify(decision())).toEqual([
    0,
    expect.stringMatching(/^Holds: event 0 with .*\n.* says: id, decision, confidence, absent, reasons\.\n$/),
  ]);
  expect(await verify(chat())).toEqual([
    0,
    expect.stringContaining(`${both} engine, model, finish_reason, its text.`),
  ]);
  const arkalia = { engine: 'ollama', receipt: receipts[1] };
  const said = { content: 'Because é.' };
  for (const answer of [
    { model: 'another name', choices: [{ message: said, finish_reason: 'length' }], arkalia },
    { choices: [{ text: said.content }], arkalia },
    { message: said, arkalia },
    { response: said.content, arkalia },
  ])
    expect(await verify(answer)).toEqual([0, expect.stringContaining(`${both} engine, its text.`)]);
});

it.each([
  ['a figure', () => decision({ confidence: 0.9 }), /the file says confidence 0\.9, event 0 says 0\.53125/],
  ['a list', () => decision({ reasons: [] }), /the file says reasons \[\], event 0 says \["cpu_above_80"\]/],
  ['another type', () => decision({ id: 1 }), /the file says id 1, event 0 says "d-1"/],
  ['a name', () => chat({ model: 'm:70b' }), /the file says model "m:70b", event 1 says "m:1b"/],
  ['a text', () => chat({ answer: 'Because e.' }), /event 1 records another text of the answer/],
  [
    "a text in OpenAI's form",
    () => ({ choices: [{ message: { content: '' } }], arkalia: { receipt: receipts[1] } }),
    /event 1 records another text/,
  ],
])('finds %s that was changed', async (_, answer, said) => {
  const [code, message] = await verify(answer());
  expect([code, message]).toEqual([1, expect.stringMatching(said)]);
});

it('says what it did not compare, and why', async () => {
  const uncompared = 'What else the file says was not compared: ';
  const erased = { ...chat({ answer: 'Forged.' }), receipt: receipts[2] };
  expect(await verify(erased)).toEqual([
    0,
    expect.stringContaining(
      'engine, model, finish_reason. Its text was erased, so that one cannot be compared.',
    ),
  ]);
  expect(await verify({ decision: 'monitor', receipt: receipts[3] })).toEqual([
    0,
    expect.stringContaining(`${uncompared}an event of type system_error repeats nothing of it.`),
  ]);
  const proven = { ...decision({ confidence: 0.9 }), receipt: { ...receipts[0], proof } };
  expect(await verify(proven, '--verifier', key)).toEqual([
    0,
    expect.stringContaining(`${uncompared}that takes`),
  ]);
  const ledger = join(data, 'ledger.sqlite');
  expect((await verify(proven, '--verifier', key, '--ledger', ledger))[0]).toBe(1);
  // A receipt alone says nothing else.
  expect(await verify(receipts[0])).toEqual([0, expect.not.stringContaining('\nWhat')]);
});

it('does not believe an event whose bytes are not those of its hash', async () => {
  const file = join(folder, 'forged.sqlite');
  const source = new Database(join(data, 'ledger.sqlite'), { readonly: true });
  await source.backup(file);
  source.close();
  const forged = new Database(file);
  forged.exec(
    `UPDATE events SET leaf = CAST(replace(leaf, '0.5312500000000001', '0.9') AS BLOB) WHERE "index" = 0`,
  );
  forged.close();
  expect(await verify(decision({ confidence: 0.9 }), '--ledger', file)).toEqual([
    1,
    expect.stringContaining('what the log has as event 0 is not what the hash is of'),
  ]);
});
