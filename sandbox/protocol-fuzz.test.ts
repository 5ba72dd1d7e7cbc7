import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { encodeFrame } from './frames.js';
import { createPromptRunner, type Sandbox } from './index.js';

/**
 * Both ends of the pipe, as processes, against bytes that break the protocol: noise, frames whose length lies, messages that are almost right.
 * `protocol.test` and `frames.test` fuzz the readers themselves much further.
 */

const long = process.env.ARKALIA_TEST_LONG === '1';
const word = fc.constantFrom(
  'delta',
  'done',
  'failed',
  'open',
  'generate',
  'tool_call',
  'vector',
  'pong',
  'job',
  'load',
);
const almost = fc
  .tuple(
    word,
    fc.dictionary(
      fc.constantFrom('text', 'model', 'code', 'path', 'job', 'call', 'vector', 'lane', 'usage'),
      fc.jsonValue(),
    ),
  )
  .map(([type, rest]) => encodeFrame({ ...rest, type }));
const lying = fc.tuple(fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 32 })).map(([length, rest]) => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(length);
  return Buffer.concat([head, rest]);
});
const noise = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes));
const bytes = fc
  .array(fc.oneof(almost, lying, noise), { minLength: 1, maxLength: 4 })
  .map((pieces) => Buffer.concat(pieces));
/** So that one of them is wrong for certain. */
const examples: [Buffer][] = [[encodeFrame({ type: 'nonsense' })]];

describe('a worker that says anything', () => {
  let runner: Sandbox;
  beforeAll(async () => {
    runner = createPromptRunner(
      sandboxOptions({
        sandbox: { workers: 2 },
        internal: { workerEntry: new URL('../test/support/faulty-worker.js', import.meta.url) },
      }),
    );
    await runner.start();
  });
  afterAll(() => runner.close());

  it('ends its own prompt at most: others are answered meanwhile and after it, and the server goes on', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (said) => {
        const mad = answerOf(runner, jobFor('navigator', `write ${said.toString('hex')}`), {
          timeoutMs: 300,
        });
        const outcome = mad.then(
          () => 'answered',
          ({ name, code }: { name: string; code: string }) => `${name} ${code}`,
        );
        const other = await answerOf(runner, jobFor('navigator', 'other'));
        expect(other.text).toMatch(/^worker \S+: other$/);
        // What it said may by chance be an answer, or a failure that engines have; else it is killed, for what it said or for its silence.
        expect(await outcome).toMatch(
          /^(answered|SandboxError (protocol|deadline|engine_\w+|unsupported|output_limit|model_not_found|loop_detected|context_length_exceeded))$/,
        );
        expect((await answerOf(runner, jobFor('navigator', 'next'))).text).toMatch(/: next$/);
      }),
      { numRuns: long ? 300 : 20, examples },
    );
    expect(runner.status().killed.protocol).toBeGreaterThan(0);
    expect(runner.status().workers.busy).toBe(0);
  });
});

describe('a worker that is told anything', () => {
  it('ends at once and says nothing, or waits for more', { timeout: 120_000 }, async () => {
    const codes = new Set<number | null>();
    await fc.assert(
      fc.asyncProperty(bytes, async (told) => {
        const child = spawn(process.execPath, [fileURLToPath(new URL('./worker.js', import.meta.url))], {
          env: {},
          stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
        });
        const said: Buffer[] = [];
        child.stdio[3]?.on('data', (piece: Buffer) => said.push(piece));
        // It may be gone before it has read all of it.
        child.stdin?.on('error', () => undefined);
        child.stdin?.end(told);
        const [code] = (await once(child, 'close')) as [number | null];
        codes.add(code);
        // 76: what it was told is none of the protocol; 0: nothing more came; 1: none that a worker takes now.
        expect([0, 1, 76]).toContain(code);
        const ready = encodeFrame({ type: 'ready' });
        expect(Buffer.concat(said).subarray(0, ready.length)).toEqual(
          said.length === 0 ? Buffer.alloc(0) : ready,
        );
      }),
      { numRuns: long ? 100 : 10, examples },
    );
    expect(codes).toContain(76);
  });
});
