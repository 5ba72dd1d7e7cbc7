import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { onnxClassifier, wordTokenizer } from '../test/support/onnx-model.js';
import { sandboxOptions } from '../test/support/sandbox-options.js';
import { createPromptRunner, type Incident, type OpinionOptions } from './index.js';
import { isInstalled } from './models.js';
import { probabilityOf } from './opinion-model.js';
import type { SandboxOptions } from './options.js';

const installed = isInstalled('onnxruntime-node') && isInstalled('@huggingface/tokenizers');
if (!installed) console.error('onnxruntime-node is not installed: no second opinion was loaded');

const folder = mkdtempSync(join(tmpdir(), 'arkalia-opinion-'));
const file = (name: string, content: string | Buffer) => {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o644 });
  return path;
};
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// A server that is root gives its models another user.
const { chmodSync } = await import('node:fs');
chmodSync(folder, 0o755);

const modelFile = file(
  'good.onnx',
  onnxClassifier([
    [1, 0],
    [2, 0],
    [0, 5],
  ]),
);
const tokenizerFile = file('tokenizer.json', wordTokenizer(['[UNK]', 'hello', 'zap']));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(internal: SandboxOptions['internal'] = {}) {
  const incidents: Incident[] = [];
  const runner = createPromptRunner(
    sandboxOptions({ sandbox: { workers: 1 }, internal, onIncident: (incident) => incidents.push(incident) }),
  );
  cleanups.push(() => runner.close());
  await runner.start();
  const open = (changes: Partial<OpinionOptions> = {}) =>
    runner.openOpinion({
      ...{ modelFile, tokenizerFile, threads: 1, tokensMax: 16, attackIndex: 1 },
      ...{ memoryBytes: 1_610_612_736, loadMs: 60_000, timeoutMs: 30_000 },
      ...changes,
    });
  return { runner, open, incidents };
}

describe('a figure', () => {
  it('is the softmax of the figures, or the logistic function of the only one', () => {
    expect(probabilityOf([0, 0], 1)).toBe(0.5);
    expect(probabilityOf([1000, 0], 0)).toBe(1);
    expect(probabilityOf([0], 5)).toBe(0.5);
    expect(probabilityOf([Math.log(3), 0, 0], 0)).toBeCloseTo(0.6, 10);
  });

  it.each([
    [[], 0],
    [[1, 2], 2],
    [[Number.NaN, 1], 1],
  ])('of %j at %i is none', (figures, index) => {
    expect(() => probabilityOf(figures, index)).toThrow(RangeError);
  });
});

describe('a second opinion that misbehaves', () => {
  const internal = { opinionEntry: new URL('../test/support/faulty-opinion.js', import.meta.url) };

  it.each([
    ['hang', 'deadline', 'deadline'],
    ['crash', 'crashed', 'crashed'],
    ['noise', 'crashed', 'protocol'],
    ['impossible', 'crashed', 'protocol'],
  ] as const)('and does %s is ended, and started anew later', async (text, code, cause) => {
    const { open, incidents } = await started(internal);
    const opinion = await open({ timeoutMs: text === 'hang' ? 300 : 30_000 });
    expect(await opinion.judge('fine')).toBe(0.9);
    await expect(opinion.judge(text)).rejects.toMatchObject({ code });
    expect(incidents).toMatchObject([{ cause, child: 'opinion' }]);
    await expect(opinion.judge('fine')).rejects.toMatchObject({ code: 'crashed' });
    const again = async () => opinion.judge('fine').catch(() => again0());
    const again0 = (): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(again()), 100));
    expect(await again()).toBe(0.9);
  });

  it('answers in turn, refuses more than can wait, and ends what waits when it is closed', async () => {
    const { open, runner } = await started(internal);
    const opinion = await open();
    const many = Array.from({ length: 20 }, () => opinion.judge('fine').catch(({ code }) => String(code)));
    const answers = await Promise.all(many);
    expect(answers.filter((answer) => answer === 0.9)).toHaveLength(16);
    expect(answers.filter((answer) => answer === 'engine_overloaded')).toHaveLength(4);
    const hung = expect(opinion.judge('hang')).rejects.toMatchObject({ code: 'closed' });
    await runner.close();
    await hung;
    await expect(opinion.judge('fine')).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('without its packages', () => {
  it.each(['runtimePackage', 'tokenizersPackage'])('says what to install: %s', async (name) => {
    const here = { runtimePackage: 'node:os', tokenizersPackage: 'node:os' };
    const { open } = await started({ ...here, [name]: 'no-such-package-here' });
    await expect(open()).rejects.toThrow('npm install onnxruntime-node @huggingface/tokenizers');
  });
});

describe.runIf(installed)('a classifier in ONNX', () => {
  it('tells how likely a text is an attack, of what it reads', async () => {
    const { open } = await started();
    const opinion = await open();
    expect(await opinion.judge('Hello hello')).toBeCloseTo(1 / (1 + Math.exp(4)), 5);
    expect(await opinion.judge('ZAP')).toBeCloseTo(1 / (1 + Math.exp(-5)), 5);
    // Seven unknown words and the last one are read.
    const short = await open({ tokensMax: 8 });
    expect(await short.judge(`${'so '.repeat(100)}zap`)).toBeCloseTo(1 / (1 + Math.exp(7 - 5)), 5);
  });

  it.each([
    ['no model', { modelFile: file('none.onnx', 'nothing') }, /opinion_file is no model/],
    ['no tokenizer', { tokenizerFile: file('none.json', '{}') }, /opinion_tokenizer is no tokenizer/],
    ['no such figure', { attackIndex: 5 }, /opinion_attack_index/],
  ])('is refused with %s', async (_, changes, message) => {
    const { open } = await started();
    await expect(open(changes)).rejects.toThrow(message);
  });
});
