import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInstalled } from '../../sandbox/models.js';
import type { TestAppliance } from '../support/appliance.js';
import { onnxClassifier, wordTokenizer } from '../support/onnx-model.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { ledgerEvents, noBreaker, startAppliance } from './support.js';

const installed = isInstalled('onnxruntime-node') && isInstalled('@huggingface/tokenizers');

let folder: string;
let settings: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-second-'));
  // A server that is root gives its models another user.
  await chmod(folder, 0o755);
  const model = onnxClassifier([
    [1, 0],
    [0, 9],
  ]);
  await writeFile(join(folder, 'words.onnx'), model);
  await writeFile(join(folder, 'tokenizer.json'), wordTokenizer(['[UNK]', 'zap']));
  settings = {
    ...noBreaker,
    ARKALIA_GUARD_OPINION_FILE: join(folder, 'words.onnx'),
    ARKALIA_GUARD_OPINION_TOKENIZER: join(folder, 'tokenizer.json'),
    ARKALIA_GUARD_OPINION_SHA256: createHash('sha256').update(model).digest('hex'),
    ARKALIA_GUARD_OPINION_BAND: '1',
    ARKALIA_GUARD_OPINION_TIMEOUT_MS: '60000',
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a second opinion that cannot be had', () => {
  test('another file than the one that is named stops the start', async () => {
    const wrong = startAppliance({ ...settings, ARKALIA_GUARD_OPINION_SHA256: '0'.repeat(64) });
    await expect(wrong).rejects.toThrow(/second opinion, .*words\.onnx, cannot be used: its SHA-256 is/);
  });

  test('a file that is not there stops the start', async () => {
    const wrong = startAppliance({ ...settings, ARKALIA_GUARD_OPINION_FILE: join(folder, 'none.onnx') });
    await expect(wrong).rejects.toThrow(/second opinion, .*none\.onnx, cannot be used: .*ENOENT/);
  });

  test.skipIf(installed)('a package that is missing stops the start and is named', async () => {
    await expect(startAppliance(settings)).rejects.toThrow(/npm install onnxruntime-node/);
  });
});

describe.runIf(installed)('a second opinion', () => {
  let upstream: ScriptedUpstream;
  let appliance: TestAppliance;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start({ models: ['quill'] });
    upstream.always({ kind: 'ok', pieces: ['Hello.'] });
    appliance = await startAppliance({
      ...settings,
      ARKALIA_ENGINES_OPENAI_URL: upstream.url,
      ARKALIA_ENGINES_ORDER: 'openai',
    });
  });
  afterAll(async () => {
    await appliance?.close();
    await upstream?.close();
  });

  test('stands in the verdict', async () => {
    const response = await appliance.post('/assistantia/guard', { texts: ['Good morning', 'Good zap'] });
    const [clear, taken] = (await response.json()) as { verdict: string; second: { probability: number } }[];
    expect(clear).toMatchObject({ verdict: 'allow', second: { threshold: 0.5 } });
    expect(clear?.second.probability).toBeLessThan(0.2);
    expect(taken).toMatchObject({ verdict: 'refuse', reasons: [{ rule: 'second-opinion' }] });
    expect(taken?.second.probability).toBeGreaterThan(0.9);
  });

  test('stands in the events of what it refused and of what it let pass', async () => {
    const refused = await appliance.post('/chat', { message: 'Good zap' });
    expect(refused.status).toBe(403);
    const { receipt } = (await refused.json()) as { receipt: { index: number } };
    const [event] = await ledgerEvents(appliance, `since=${receipt.index}`);
    expect(event?.data).toMatchObject({ rules: ['second-opinion'], second: { threshold: 0.5 } });

    const passed = await appliance.post('/chat', { message: 'Good morning' });
    expect(passed.status).toBe(200);
    const answered = (await ledgerEvents(appliance, 'type=chat_answered')).at(-1);
    expect(answered?.data.flagged).toEqual(['second-opinion-clear']);
  });
});
