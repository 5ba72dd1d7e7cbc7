import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeContext, type FakeContext } from '../../test/support/fake-context.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { incidentFile } from '../recovery/incident-file.js';
import { StateBook } from '../recovery/state-book.js';
import { pullLimits } from './download.js';
import { Manifest } from './manifest.js';
import { ModelStore } from './store.js';

const probationMs = 600_000;

let folder: string;
let context: FakeContext;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
  context = createFakeContext();
  for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.gguf`), 'a model');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** One life of the process on the same folders. Without `versions` it is the command line, which knows of none. */
async function life({ restarted, versions = true }: { restarted?: string; versions?: boolean } = {}) {
  const incidents: string[] = [];
  const errors: unknown[] = [];
  const changes: boolean[] = [];
  const book = await StateBook.open({
    storage: incidentFile(join(folder, 'states.json'), writeFileAtomic),
    clock: context.clock,
    probationMs,
    openIncidents: () => [...incidents],
    restarted,
    record: () => undefined,
    onError: (error) => errors.push(error),
  });
  const manifest = await Manifest.read(join(folder, 'models.json'));
  const store = new ModelStore({
    folder,
    manifest,
    embedded: { context_tokens: 2048, memory_bytes: 1_000_000_000 },
    pull: pullLimits({ pull_hosts: [], pull_ms: 60_000 }),
    viaToken: 'test',
    ledger: context.ledger,
    clock: context.clock,
    reader: { readModel: () => Promise.reject(new Error('nothing is read here')) },
    onChange: async (isUsedChanged) => {
      changes.push(isUsedChanged);
    },
  });
  if (versions) await store.keepVersions(book, (error) => errors.push(error));
  const told = () =>
    context.ledger.events.filter(({ type }) => type === 'model_chosen').map(({ data }) => data);
  const state = () => book.status().find(({ name }) => name === 'models.default');
  return { store, manifest, book, incidents, errors, changes, told, state };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 100));

/** Model a is used, and has been for longer than a probation. */
async function usesA() {
  const before = await life();
  await before.store.choose('a', 'ada');
  context.clock.advance(probationMs);
  await before.book.look();
  expect(before.state()).toMatchObject({ on_probation: 0, why: 'chosen by ada' });
  return before;
}

test('a model whose choice makes health worse within its probation is gone back from, and not chosen again for an hour', async () => {
  const { store, manifest, book, incidents, errors, changes, told, state } = await usesA();
  await store.choose('b', 'ada');
  expect(state()).toMatchObject({ on_probation: 1, why: 'chosen by ada' });
  incidents.push('inc-new');
  await book.look();
  await settled();
  expect([manifest.default, changes.at(-1), errors]).toEqual(['a', true, []]);
  expect(told().at(-1)).toEqual({ name: 'a', by: 'rollback' });
  expect(state()?.undone).toHaveLength(1);
  await expect(store.choose('b', 'ada')).rejects.toMatchObject({ code: 'conflict' });
  expect(manifest.default).toBe('a');
  context.clock.advance(3_600_000);
  await store.choose('b', 'ada');
  expect(manifest.default).toBe('b');
});

test('after a server that was ended in the probation the next one uses the model before', async () => {
  const before = await usesA();
  await before.store.choose('b', 'ada');
  const next = await life({ restarted: 'it was stuck' });
  expect([next.manifest.default, next.errors]).toEqual(['a', []]);
  expect(next.told().at(-1)).toEqual({ name: 'a', by: 'rollback' });
});

test('a model that was chosen while no server ran begins its probation with the next server', async () => {
  await usesA();
  const offline = await life({ versions: false });
  await offline.store.choose('b', 'command line');
  const next = await life();
  expect(next.manifest.default).toBe('b');
  expect(next.state()).toMatchObject({ on_probation: 1, why: 'chosen while no server ran' });
  next.incidents.push('inc-new');
  await next.book.look();
  await settled();
  expect(next.manifest.default).toBe('a');
});

test('where the model before is gone the choice stays, and that is told', async () => {
  const before = await usesA();
  await before.store.choose('b', 'ada');
  rmSync(join(folder, 'a.gguf'));
  const next = await life({ restarted: 'it was stuck' });
  expect(next.manifest.default).toBe('b');
  expect(next.errors).toHaveLength(1);
});

test('what was removed is not gone back to', async () => {
  const { store, manifest, book, incidents, state } = await usesA();
  await store.choose('b', 'ada');
  await store.remove('b', 'ada');
  expect(state()).toMatchObject({ on_probation: 0, why: 'b was removed' });
  incidents.push('inc-new');
  await book.look();
  await settled();
  expect(manifest.default).toBeNull();
});
