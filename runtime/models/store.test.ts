import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeContext, type FakeContext } from '../../test/support/fake-context.js';
import { type ModelWork, modelPieceBytesMax } from '../contracts/models.js';
import type { ModelFacts } from '../contracts/sandbox.js';
import { pullLimits } from './download.js';
import { Manifest } from './manifest.js';
import { ModelStore, type ModelStoreOptions } from './store.js';

let folder: string;
let models: string;
let context: FakeContext;
let store: ModelStore;
let manifest: Manifest;
let changes: boolean[];

const facts: ModelFacts = {
  parameters: 1e9,
  quantisation: 'Q4_K_M',
  context_tokens: 4096,
  chat_template: true,
  cache_bytes_per_token: 100_000,
};

async function open(more: Partial<ModelStoreOptions> = {}): Promise<void> {
  manifest = await Manifest.read(join(folder, 'models.json'));
  store = new ModelStore({
    folder: models,
    manifest,
    embedded: { context_tokens: 2048, memory_bytes: 1_000_000_000 },
    viaToken: 'test',
    pull: pullLimits({ pull_hosts: [], pull_ms: 60_000 }),
    ledger: context.ledger,
    clock: context.clock,
    reader: {
      readModel: async (file) => {
        const bytes = readFileSync(file);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        const read = bytes.toString().startsWith('bad') ? { fault: 'it is bad' } : { facts };
        return { sha256, bytes: bytes.length, read };
      },
    },
    onChange: async (isUsedChanged) => {
      changes.push(isUsedChanged);
    },
    ...more,
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-store-'));
  models = join(folder, 'models');
  context = createFakeContext();
  changes = [];
  await open();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function ended(name: string): Promise<ModelWork> {
  for (;;) {
    const work = (await store.list()).work.find((one) => one.name === name);
    if (work === undefined || work.state === 'done' || work.state === 'failed') return work as ModelWork;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
async function add(name: string, text = 'a model', sha256?: string): Promise<ModelWork> {
  const bytes = Buffer.from(text);
  await store.receive({ name, at: 0, of: bytes.length, bytes, sha256 }, 'ada');
  return ended(name);
}
const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const recorded = () => context.ledger.events.map(({ type, data }) => ({ type, ...(data as object) }));

describe('a model', () => {
  it('comes in pieces, is read, recorded, pinned and put in its place', async () => {
    const bytes = Buffer.from('a model');
    const first = await store.receive({ name: 'm', at: 0, of: 7, bytes: bytes.subarray(0, 3) }, 'ada');
    expect(first).toEqual({ name: 'm', act: 'add', state: 'receiving', bytes: 3, of: 7 });
    expect((await store.list()).models).toEqual([]);
    await store.receive({ name: 'm', at: 3, of: 7, bytes: bytes.subarray(3) }, 'ada');
    expect(await ended('m')).toMatchObject({ state: 'done' });
    expect(readFileSync(join(models, 'm.gguf'), 'utf8')).toBe('a model');
    expect(statSync(join(models, 'm.gguf')).mode & 0o777).toBe(0o644);
    expect(readdirSync(models)).toEqual(['m.gguf']);
    expect((await store.list()).models).toEqual([
      {
        name: 'm',
        bytes: 7,
        sha256: hash('a model'),
        added_ms: context.clock.wallMs(),
        facts,
        memory_bytes: 7 + 2048 * 100_000 + 400_000_000,
        is_default: true,
      },
    ]);
    expect(recorded()).toEqual([
      { type: 'model_added', name: 'm', sha256: hash('a model'), bytes: 7, source: 'upload', by: 'ada' },
    ]);
  });

  it('goes on only where the last piece ended, and anew at 0', async () => {
    const bytes = Buffer.from('abc');
    await store.receive({ name: 'm', at: 0, of: 9, bytes }, 'ada');
    await expect(store.receive({ name: 'm', at: 6, of: 9, bytes }, 'ada')).rejects.toMatchObject({
      code: 'conflict',
      details: { at: 3 },
    });
    await store.receive({ name: 'm', at: 0, of: 6, bytes }, 'ada');
    await store.receive({ name: 'm', at: 3, of: 6, bytes }, 'ada');
    expect((await ended('m')).state).toBe('done');
    expect(readFileSync(join(models, 'm.gguf'), 'utf8')).toBe('abcabc');
  });

  it('goes on after a restart of the server', async () => {
    await store.receive({ name: 'm', at: 0, of: 6, bytes: Buffer.from('abc') }, 'ada');
    await open();
    await store.receive({ name: 'm', at: 3, of: 6, bytes: Buffer.from('abc') }, 'ada');
    expect((await ended('m')).state).toBe('done');
  });

  it.each([
    ['no byte', { at: 0, of: 1, bytes: Buffer.alloc(0) }],
    ['a byte too many for a piece', { at: 0, of: 1e8, bytes: Buffer.alloc(modelPieceBytesMax + 1) }],
    ['a byte behind the end', { at: 1, of: 2, bytes: Buffer.alloc(2) }],
  ])('takes no piece with %s', async (_what, piece) => {
    await expect(store.receive({ name: 'm', ...piece }, 'ada')).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it.each(['', '.', '..', 'A', 'a/b', '../a', '.a', '-a', 'a b', 'é', 'a\u0000', 'a'.repeat(65)])(
    'is not named %j',
    async (name) => {
      const bytes = Buffer.from('x');
      const refused = { code: 'invalid_request' };
      await expect(store.receive({ name, at: 0, of: 1, bytes }, 'ada')).rejects.toMatchObject(refused);
      await expect(store.pull({ name, url: 'http://a/b' }, 'ada')).rejects.toMatchObject(refused);
      await expect(store.verify(name, 'ada')).rejects.toMatchObject(refused);
      await expect(store.choose(name, 'ada')).rejects.toMatchObject(refused);
      await expect(store.remove(name, 'ada')).rejects.toMatchObject(refused);
      expect(existsSync(models)).toBe(false);
    },
  );

  it('that is no GGUF file, or not what was promised, leaves nothing behind', async () => {
    expect(await add('m', 'bad one')).toMatchObject({
      state: 'failed',
      problem: 'It is no GGUF file that can be used: it is bad.',
    });
    expect(await add('m', 'a model', hash('another'))).toMatchObject({
      state: 'failed',
      problem: `What came has the SHA-256 ${hash('a model')}, not ${hash('another')}.`,
    });
    expect([readdirSync(models), recorded()]).toEqual([[], []]);
    expect((await add('m', 'a model', hash('a model'))).state).toBe('done');
  });

  it('that does not fit the memory is refused with the figures: at once by its size, or by its context', async () => {
    const piece = { name: 'm', at: 0, of: 2e9, bytes: Buffer.from('x') };
    await expect(store.receive(piece, 'ada')).rejects.toThrow(
      /needs about 2\.0 GB .* and 1\.0 GB are allowed/,
    );
    await open({ embedded: { context_tokens: 2048, memory_bytes: 400_000_000 } });
    expect(await add('m')).toMatchObject({
      state: 'failed',
      problem: expect.stringMatching(/needs about 605 MB .*context_tokens = 2048, and 400 MB are allowed/),
    });
    expect(readdirSync(models)).toEqual([]);
  });

  it('never takes the place of another, nor of a link', async () => {
    await add('m');
    const again = store.receive({ name: 'm', at: 0, of: 1, bytes: Buffer.from('x') }, 'ada');
    await expect(again).rejects.toThrow('There is a model m already');
    symlinkSync('/etc/passwd', join(models, 'l.gguf'));
    const link = store.receive({ name: 'l', at: 0, of: 1, bytes: Buffer.from('x') }, 'ada');
    await expect(link).rejects.toThrow('There is a model l already');
    expect((await store.list()).models.map(({ name }) => name)).toEqual(['m']);
    await expect(store.choose('l', 'ada')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(store.verify('l', 'ada')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('is not written through a link that lies where its parts go', async () => {
    await add('m');
    const target = join(folder, 'precious');
    writeFileSync(target, 'precious');
    symlinkSync(target, join(models, '.n.upload'));
    const through = store.receive({ name: 'n', at: 0, of: 1, bytes: Buffer.from('x') }, 'ada');
    await expect(through).rejects.toThrow('refuses: ELOOP');
    expect(readFileSync(target, 'utf8')).toBe('precious');
  });

  it('is worked on once at a time', async () => {
    let go = () => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    await add('m');
    await open({
      reader: {
        readModel: async () => {
          await waiting;
          return { sha256: hash('a model'), bytes: 7, read: { facts } };
        },
      },
    });
    await store.verify('m', 'ada');
    await expect(store.verify('m', 'ada')).rejects.toThrow('Something is being done with m already');
    go();
    expect((await ended('m')).state).toBe('done');
  });
});

describe('the choice', () => {
  it('stays with the only model when another comes, and moves when someone says so', async () => {
    await add('b');
    await add('a');
    expect((await store.list()).default).toBe('b');
    await store.choose('a', 'ada');
    expect((await store.list()).default).toBe('a');
    await open();
    expect((await store.list()).default).toBe('a');
    await expect(store.choose('c', 'ada')).rejects.toMatchObject({ code: 'model_not_found' });
    expect(recorded().at(-1)).toEqual({ type: 'model_chosen', name: 'a', by: 'ada' });
    expect(changes.at(-1)).toBe(true);
  });

  it('is not offered where the configuration names a file', async () => {
    await add('a');
    await open({
      embedded: { model_file: '/x.gguf', context_tokens: 2048, memory_bytes: 1_000_000_000 },
    });
    await expect(store.choose('a', 'ada')).rejects.toThrow('engines.embedded.model_file');
  });

  it('goes with the model', async () => {
    await add('a');
    await store.remove('a', 'ada');
    expect(await store.list()).toMatchObject({ default: null, models: [] });
    expect(readdirSync(models)).toEqual([]);
    expect(recorded().at(-1)).toEqual({
      type: 'model_removed',
      name: 'a',
      sha256: hash('a model'),
      by: 'ada',
    });
    await expect(store.remove('a', 'ada')).rejects.toMatchObject({ code: 'model_not_found' });
  });
});

describe('verifying', () => {
  it('says whether the file is what was added, and records it', async () => {
    await add('m');
    await store.verify('m', 'ada');
    expect((await ended('m')).state).toBe('done');
    writeFileSync(join(models, 'm.gguf'), 'b model');
    await store.verify('m', 'ada');
    expect(await ended('m')).toMatchObject({
      state: 'failed',
      problem: expect.stringContaining('is not what was added'),
    });
    expect(recorded().slice(1)).toEqual([
      { type: 'model_verified', name: 'm', sha256: hash('a model'), holds: true, by: 'ada' },
      { type: 'model_verified', name: 'm', sha256: hash('b model'), holds: false, by: 'ada' },
    ]);
  });

  it('pins a file that was put there by hand', async () => {
    await add('m');
    writeFileSync(join(models, 'h.gguf'), 'by hand');
    expect((await store.list()).models[0]).toMatchObject({ name: 'h', sha256: null, facts: null });
    await store.verify('h', 'ada');
    await ended('h');
    expect((await store.list()).models[0]).toMatchObject({ name: 'h', sha256: hash('by hand'), facts });
  });
});

it('does nothing that cannot be recorded', async () => {
  await add('m');
  await open({
    ledger: { append: () => Promise.reject(new Error('the disk is full')) },
  });
  expect(await add('n')).toMatchObject({ state: 'failed' });
  await expect(store.remove('m', 'ada')).rejects.toThrow('the disk is full');
  await expect(store.choose('m', 'ada')).rejects.toThrow('the disk is full');
  expect(readdirSync(models)).toEqual(['m.gguf']);
});

it('a damaged models.json stops the start instead of forgetting what was pinned', async () => {
  writeFileSync(join(folder, 'models.json'), '{"version":1');
  await expect(open()).rejects.toThrow('models.json is damaged');
});
