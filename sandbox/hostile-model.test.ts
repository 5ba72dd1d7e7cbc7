import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { answerOf, embeddedOptions, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { ggufFault } from './gguf.js';
import { createPromptRunner, type Incident } from './index.js';
import { isInstalled } from './models.js';

const good = readFileSync(
  fileURLToPath(new URL('../../test/fixtures/models/tiny-chat.gguf', import.meta.url)),
);
const installed = isInstalled('node-llama-cpp');
if (!installed) console.error('node-llama-cpp is not installed: no hostile model was loaded');

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Loads a file as a model and asks it; then asks navigator. What the model came to, and what ended. */
async function load(bytes: Buffer): Promise<{ outcome: string; message: string; incidents: Incident[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-models-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const model_file = join(folder, 'tiny-chat.gguf');
  writeFileSync(model_file, bytes, { mode: 0o644 });
  const incidents: Incident[] = [];
  const limits = { context_tokens: 256, memory_bytes: 1_073_741_824, idle_timeout_ms: 10_000 };
  const runner = createPromptRunner(
    sandboxOptions({
      sandbox: { workers: 1 },
      engines: { order: ['embedded', 'navigator'], embedded: embeddedOptions({ ...limits, model_file }) },
      onIncident: (incident) => incidents.push(incident),
    }),
  );
  cleanups.push(() => runner.close());
  await runner.start();
  const job = { ...jobFor('embedded', 'ping', 'tiny-chat'), sampling: { temperature: 0, maxTokens: 8 } };
  const { outcome, message } = await answerOf(runner, job, { timeoutMs: 25_000 }).then(
    () => ({ outcome: 'answered', message: '' }),
    (error: Error & { code?: string }) => ({ outcome: String(error.code), message: error.message }),
  );
  // Whatever it did to the model's process, workers go on.
  expect((await answerOf(runner, jobFor('navigator', 'hello'))).text).not.toBe('');
  return { outcome, message, incidents };
}

const changed = (change: (bytes: Buffer) => void): Buffer => {
  const copy = Buffer.from(good);
  change(copy);
  return copy;
};

describe.runIf(installed)('a hostile model', () => {
  it.each([
    ['cut in half', good.subarray(0, good.length / 2)],
    ['with 2^62 tensors', changed((bytes) => bytes.writeBigUInt64LE(1n << 62n, 8))],
    ['with 2^32 entries', changed((bytes) => bytes.writeBigUInt64LE(1n << 32n, 16))],
    ['with a name of 2^63 bytes', changed((bytes) => bytes.writeBigUInt64LE(1n << 63n, 24))],
  ])('%s is refused before native code reads it', async (_what, bytes) => {
    expect(await load(bytes)).toEqual({
      outcome: 'engine_unreachable',
      message: expect.stringContaining('what it says of itself does not fit its size'),
      incidents: [],
    });
  });

  it('that is no GGUF at all is not even given to a process', async () => {
    expect(await load(changed((bytes) => bytes.write('GGML')))).toMatchObject({
      outcome: 'engine_unreachable',
      message: expect.stringContaining('is not a GGUF file'),
    });
  });

  // Flips that our own reading cannot see: the native library gets the file.
  const unseen = fc
    .array(fc.tuple(fc.nat({ max: 60_000 }), fc.nat({ max: 7 })), { minLength: 1, maxLength: 6 })
    .map((places) =>
      changed((bytes) => {
        for (const [at, bit] of places)
          bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ (1 << bit);
      }),
    )
    .filter(
      (bytes) =>
        ggufFault({ bytes: bytes.length, read: (at, length) => bytes.subarray(at, at + length) }) ===
        undefined,
    );
  const samples = fc.sample(unseen, { numRuns: process.env.ARKALIA_TEST_LONG === '1' ? 100 : 5 });

  it.each(samples.map((bytes, i) => [i, bytes] as const))(
    'with flipped bits, sample %i, ends its own process at most',
    async (_i, bytes) => {
      const { outcome, incidents } = await load(bytes);
      expect([
        'answered',
        'engine_unreachable',
        'engine_died',
        'engine_stalled',
        'context_length_exceeded',
      ]).toContain(outcome);
      for (const incident of incidents) expect(incident.child).toBe('model');
    },
  );
});
