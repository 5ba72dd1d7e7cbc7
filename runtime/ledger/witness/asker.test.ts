import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../contracts/clock.js';
import { openLedger, type SqliteLedger } from '../ledger.js';
import { readLastCheckpoint } from '../tlog/last-checkpoint.js';
import { openNote } from '../tlog/note.js';
import { parseVerifierKey } from '../tlog/note-key.js';
import { Asker } from './asker.js';
import { createCosigner, parseCosignerKey } from './cosignature.js';
import { Giver } from './giver.js';
import { parseAsk } from './settings.js';
import { WitnessFile } from './witness-file.js';

let folder: string;
let ledger: SqliteLedger;
let servers: Server[];
let askers: Asker[];
let problems: string[];
let monotonicMs: number;
let timeoutMs: number;
const clock = { wallMs: () => 1_700_000_000_000, monotonicMs: () => monotonicMs };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-asker-'));
  ledger = await openIn(folder);
  [servers, askers, problems, monotonicMs, timeoutMs] = [[], [], [], 0, 300];
});
afterEach(async () => {
  for (const asker of askers) await asker.close();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await ledger.close();
  rmSync(folder, { recursive: true });
});

const openIn = (into: string) =>
  openLedger({
    file: join(into, 'ledger.sqlite'),
    bootId: 'boot-1',
    clock: systemClock,
    queueMax: 20_000,
    batchMax: 1000,
    sizeLimitBytes: 8_000_000,
    onFailure: (error) => {
      throw error;
    },
  });

async function add(count: number, bytes = 10): Promise<number> {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      ledger.append({ type: 'system_error', module: 'kernel', data: { name: `${n} ${'x'.repeat(bytes)}` } }),
    ),
  );
  const { size } = ledger.status();
  await ledger.log.covering(size);
  return size;
}

type Behave = (body: string, response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

async function listen(behave: Behave): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    await behave(body, response, request);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A real witness behind HTTP. */
async function honest(name: string) {
  const shown: string[] = [];
  const giver = new Giver({
    file: await WitnessFile.open(mkdtempSync(join(folder, 'witness-')), name),
    logs: [parseVerifierKey(ledger.log.verifierKey)],
    rate: { take: () => ({ ok: true }) },
    clock,
    onFork: () => undefined,
  });
  const url = await listen(async (body, response) => {
    shown.push(body.slice(0, body.indexOf('\n')));
    const answer = await giver.addCheckpoint(body, 'client').catch((error) => ({ status: error.status }));
    if ('status' in answer) response.writeHead(answer.status).end();
    else if ('conflict' in answer) response.writeHead(409).end(`${answer.conflict}\n`);
    else response.end(answer.cosignatures);
  });
  return { key: giver.status().key!, url, shown, size: () => giver.status().logs[0]!.size };
}

async function open(...asked: { key: string; url: string }[]): Promise<Asker> {
  const asker = await Asker.open({
    folder,
    witnesses: asked.map(({ key, url }) => parseAsk(`${key} ${url}/`)),
    intervalMs: 1000,
    ledger,
    clock,
    viaToken: 'via-token',
    timeoutMs,
    onProblem: (problem) => problems.push(problem),
  });
  askers.push(asker);
  return asker;
}

const round = (asker: Asker) => {
  monotonicMs += 1000;
  return asker.tick();
};
const signers = (note: string | undefined, ...keys: string[]) =>
  openNote(note ?? '', [parseVerifierKey(ledger.log.verifierKey), ...keys.map(parseCosignerKey)]).signedBy;

describe('an honest witness', () => {
  it('is asked from the size that it knows, once for each checkpoint', async () => {
    const witness = await honest('w1');
    const asker = await open(witness);
    await round(asker);
    expect([asker.cosigned(), witness.shown]).toEqual([undefined, []]);
    expect(await add(10)).toBe(10);
    for (let n = 0; n < 3; n++) await round(asker);
    expect(await add(300)).toBe(310);
    await round(asker);
    expect(witness.shown).toEqual(['old 0', 'old 10']);
    expect(asker.cosigned()).toContain('\n310\n');
    expect(signers(asker.cosigned(), witness.key)).toEqual([expect.stringContaining('arkalia-'), 'w1']);
    expect(asker.status()).toEqual([{ name: 'w1', size: 310, cosigned: 2, failed: 0 }]);
    expect(problems).toEqual([]);
  });

  it('is shown nothing that would not be known here after a crash', async () => {
    const known: (string | undefined)[] = [];
    const url = await listen((body, response) => {
      const size = readLastCheckpoint(folder)?.checkpoint.size;
      known.push(`${size} of ${body.split('\n\n')[1]!.split('\n')[1]}`);
      response.writeHead(503).end();
    });
    const asker = await open({ key: (await honest('w1')).key, url });
    await add(10);
    await round(asker);
    await add(10);
    await round(asker);
    expect(known).toEqual(['10 of 10', '20 of 20']);
  });

  it('is asked no more often than configured, and by one round at a time', async () => {
    const witness = await honest('w1');
    const asker = await open(witness);
    await add(10);
    await Promise.all([asker.tick(), asker.tick()]);
    await add(10);
    monotonicMs += 999;
    await asker.tick();
    expect(witness.shown).toEqual(['old 0']);
  });

  it('names its size when we have forgotten it', async () => {
    const witness = await honest('w1');
    await add(10);
    await round(await open(witness));
    expect(JSON.parse(readFileSync(join(folder, 'witness-asked.json'), 'utf8'))).toMatchObject({
      witnesses: [{ size: 10 }],
    });
    await add(10);
    await round(await open(witness));
    expect(witness.shown).toEqual(['old 0', 'old 10']);
    writeFileSync(join(folder, 'witness-asked.json'), '{');
    await add(10);
    const asker = await open(witness);
    expect(asker.cosigned()).toBeUndefined();
    await round(asker);
    expect(witness.shown).toEqual(['old 0', 'old 10', 'old 0', 'old 20']);
    expect([witness.size(), asker.cosigned()]).toEqual([30, expect.stringContaining('\n30\n')]);
  });

  it('is shown that the log grew although what it cosigned was pruned', async () => {
    const witness = await honest('w1');
    const asker = await open(witness);
    await add(100);
    await round(asker);
    await add(200);
    // The bundle is full now: its hashes are kept, between the rounds too.
    await asker.tick();
    while (ledger.status().minimum_index <= 256) await add(2000, 500);
    await expect(ledger.log.consistency({ from: 100, to: 3000 })).rejects.toMatchObject({ code: 'pruned' });
    const again = await open(witness);
    await round(again);
    expect(witness.shown).toEqual(['old 0', 'old 100']);
    expect(witness.size()).toBe(ledger.status().size);
    expect(problems).toEqual([]);
  });
});

it('asks the others for the same checkpoint while one is away, and that one when it is back', async () => {
  const [first, second] = [await honest('w1'), await honest('w2')];
  let away = true;
  const url = await listen(async (body, response) => {
    if (away) response.destroy();
    else {
      const forwarded = await fetch(`${second.url}/add-checkpoint`, { method: 'POST', body });
      response.writeHead(forwarded.status).end(await forwarded.text());
    }
  });
  const asker = await open(first, { key: second.key, url });
  await add(10);
  await round(asker);
  expect(signers(asker.cosigned(), first.key, second.key)).toEqual([expect.anything(), 'w1']);
  expect(asker.status()[1]).toMatchObject({
    failed: 1,
    problem: expect.stringContaining('cannot be reached'),
  });
  away = false;
  await round(asker);
  expect(signers(asker.cosigned(), first.key, second.key)).toEqual([expect.anything(), 'w1', 'w2']);
  expect(first.shown).toHaveLength(1);
  expect(asker.status()[1]).toEqual({ name: 'w2', size: 10, cosigned: 1, failed: 1 });
});

describe('a witness that lies, or does not answer', () => {
  const liar = createCosigner('liar', Buffer.alloc(32, 4));
  const end =
    (status: number, text: string): Behave =>
    (_, response) =>
      void response.writeHead(status).end(text);
  it.each<[string, Behave, RegExp]>([
    ['says nothing', () => undefined, /no whole answer within 300 ms/],
    ['sends on and on, slowly', (_, response) => drip(response, 1), /no whole answer within 300 ms/],
    ['sends on and on, fast', (_, response) => drip(response, 20_000), /more than 65536 bytes/],
    [
      'sends elsewhere',
      (_, response) => void response.writeHead(307, { location: '/x' }).end(),
      /cannot be reached/,
    ],
    ['gives an empty answer', end(200, ''), /does not hold/],
    ['gives another note', end(200, 'log\n1\nx\n\n— liar AAAAAAAA\n'), /does not hold/],
    ['cosigns another tree', end(200, `${liar.cosign('another\n', 1)}\n`), /does not hold: the signature/],
    [
      'signs with another key',
      end(200, `${createCosigner('liar', Buffer.alloc(32, 5)).cosign('x\n', 1)}\n`),
      /not signed by liar/,
    ],
    ['names no size', end(409, 'many\n'), /without its size/],
    ['names a size beyond ours', end(409, '4711\n'), /older copy of the log/],
    ['names the size that we said', end(409, '0\n'), /refuses this tree/],
    [
      'names one size after the other',
      (body, response) => end(409, body.startsWith('old 0') ? '3\n' : '4\n')(body, response, response.req),
      /names the size 3, and then 4/,
    ],
    ['refuses', end(403, ''), /status 403/],
  ])('%s', async (_, behave, problem) => {
    const url = await listen(behave);
    const asker = await open({ key: liar.verifierKey, url });
    await add(10);
    await round(asker);
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(asker.status()).toMatchObject([
      { size: 0, cosigned: 0, failed: 1, problem: expect.stringMatching(problem) },
    ]);
    expect(asker.cosigned()).toBeUndefined();
    // What does not change is told once.
    await round(asker);
    expect(problems).toHaveLength(1);
  });

  it('holds up neither the log nor the end', async () => {
    timeoutMs = 60_000;
    const url = await listen(() => undefined);
    const asker = await open({ key: liar.verifierKey, url });
    await add(10);
    const asking = round(asker);
    expect(await add(100)).toBe(110);
    await asker.close();
    await asking;
    expect(asker.status()).toMatchObject([{ failed: 0 }]);
  });
});

function drip(response: ServerResponse, bytes: number): void {
  const timer = setInterval(() => response.write('x'.repeat(bytes)), 20);
  response.on('close', () => clearInterval(timer));
}
