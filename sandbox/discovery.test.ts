import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sandboxOptions } from '../test/support/sandbox-options.js';
import { ScriptedUpstream, type ScriptedUpstreamOptions } from '../test/support/scripted-upstream.js';
import { EngineDirectory } from './engine-directory.js';
import { findModelFile } from './models.js';
import type { EngineKind, EngineView } from './types.js';

const times = { connect_timeout_ms: 500, idle_timeout_ms: 500 };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function server(options: ScriptedUpstreamOptions): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start(options);
  cleanups.push(() => upstream.close());
  return upstream;
}

function directory(changes: Parameters<typeof sandboxOptions>[0]): EngineDirectory {
  const made = new EngineDirectory(sandboxOptions(changes), {
    problem: () => undefined,
    isLoaded: () => false,
  });
  cleanups.push(() => made.close());
  return made;
}

const view = async (of: EngineDirectory, name: EngineKind): Promise<EngineView> =>
  (await of.refresh()).find((one) => one.name === name) as EngineView;

/** A directory that probes one server as Ollama and as llama.cpp. */
const probing = (url: string) =>
  directory({ engines: { probe: true }, internal: { ollamaProbeUrl: url, openaiProbeUrl: url } });

describe('discovery', () => {
  it.each([
    ['ollama', 'found', 'absent'],
    ['llamacpp', 'absent', 'found'],
    ['openai', 'absent', 'absent'],
  ] as const)('counts a probed port only for the program itself: %s', async (as, ollama, openai) => {
    const upstream = await server({ as });
    const of = probing(upstream.url);
    expect((await view(of, 'ollama')).state).toBe(ollama);
    expect((await view(of, 'openai')).state).toBe(openai);
    expect(of.endpoint('ollama') !== undefined).toBe(ollama === 'found');
    expect(of.endpoint('openai') !== undefined).toBe(openai === 'found');
    for (const request of upstream.requests) expect(request.headers.via).toBe('1.1 arkalia-test-token');
  });

  it('takes any OpenAI-compatible server that is configured', async () => {
    const { url } = await server({ as: 'openai', models: ['a', 'b'] });
    const of = directory({ engines: { openai: { url, ...times } } });
    expect(await view(of, 'openai')).toEqual({
      name: 'openai',
      state: 'found',
      where: `${url}/`,
      models: ['a', 'b'],
      defaultModel: 'a',
    });
  });

  it('prefers the configured model, and says when there is none', async () => {
    const { url } = await server({ as: 'ollama', models: [] });
    expect(
      await view(directory({ engines: { ollama: { url, ...times, model: 'm:1b' } } }), 'ollama'),
    ).toMatchObject({
      state: 'found',
      defaultModel: 'm:1b',
    });
    const none = await view(directory({ engines: { ollama: { url, ...times } } }), 'ollama');
    expect(none).toMatchObject({
      state: 'found',
      models: [],
      problem: expect.stringContaining('ollama pull'),
    });
    expect(none).not.toHaveProperty('defaultModel');
  });

  it('asks nobody when probing is off, and does not touch an engine that is not in the order', async () => {
    const upstream = await server({ as: 'ollama' });
    const of = directory({
      engines: { order: ['openai', 'navigator'], probe: false, ollama: { url: upstream.url, ...times } },
    });
    const views = await of.refresh();
    expect(views.map(({ name, state }) => [name, state])).toEqual([
      ['ollama', 'off'],
      ['openai', 'absent'],
      ['embedded', 'off'],
      ['navigator', 'found'],
    ]);
    expect(views[1]?.problem).toContain('engines.probe is off');
    expect(upstream.requests).toEqual([]);
  });

  it('bounds and cleans what a server lists', async () => {
    const models = [
      '\u001b[31mred\u0007',
      '\u202eevil',
      '\n',
      'a'.repeat(1000),
      ...Array.from({ length: 400 }, (_, i) => `m${i}`),
    ];
    const { url } = await server({ as: 'ollama', models });
    const names = (await view(directory({ engines: { ollama: { url, ...times } } }), 'ollama')).models;
    expect(names.slice(0, 3)).toEqual(['[31mred', 'evil', 'a'.repeat(256)]);
    expect(names.length).toBeLessThanOrEqual(256);
  });

  it('keeps a configured server that is down, since it may come up', async () => {
    const upstream = await server({ as: 'ollama' });
    const { url, port } = upstream;
    await upstream.close();
    cleanups.pop();
    const of = directory({ engines: { ollama: { url, ...times } } });
    expect(await view(of, 'ollama')).toMatchObject({
      state: 'absent',
      problem: expect.stringContaining('engines.ollama.url'),
    });
    expect(of.endpoint('ollama')).toBeDefined();
    await server({ as: 'ollama', port });
    expect((await view(of, 'ollama')).state).toBe('found');
  });

  it('shares one inquiry among those who ask at once', async () => {
    const upstream = await server({ as: 'ollama' });
    const of = directory({ engines: { order: ['ollama'], ollama: { url: upstream.url, ...times } } });
    await Promise.all([of.refresh(), of.refresh(), of.refresh()]);
    expect(upstream.requests.length).toBe(2);
    await of.refresh();
    expect(upstream.requests.length).toBe(4);
  });
});

describe('the model file', () => {
  const folderWith = (files: Record<string, string>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-models-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return folder;
  };

  it('is the only one in the folder', () => {
    const folder = folderWith({ 'Tiny-1b.Q8.gguf': 'GGUFxxxx', 'README.md': '' });
    expect(findModelFile(undefined, folder)).toEqual({
      file: join(folder, 'Tiny-1b.Q8.gguf'),
      id: 'Tiny-1b.Q8',
    });
  });

  it('is the configured one, whatever the folder holds', () => {
    const folder = folderWith({ 'a.gguf': 'GGUFxxxx', 'b.gguf': 'GGUFxxxx' });
    expect(findModelFile(join(folder, 'b.gguf'), folder)).toMatchObject({ id: 'b' });
  });

  it('is none when there are several, no folder, no file, or another kind of file', () => {
    const folder = folderWith({ 'a.gguf': 'GGUFxxxx', 'b.gguf': 'GGUFxxxx', 'c.txt': 'hi', empty: '' });
    mkdirSync(join(folder, 'sub.gguf'));
    const problem = (configured: string | undefined, where = folder) => {
      const found = findModelFile(configured, where);
      return 'problem' in found ? found.problem : 'none';
    };
    // A folder and a link are no model, whatever they are called.
    symlinkSync(join(folder, 'a.gguf'), join(folder, 'd.gguf'));
    expect(problem(undefined)).toContain('2 models');
    expect(findModelFile(undefined, folder, 'b')).toMatchObject({ id: 'b' });
    expect(findModelFile(undefined, folder, 'd')).toMatchObject({
      problem: expect.stringContaining('The model d is not in'),
    });
    expect(problem(undefined, join(folder, 'missing'))).toContain('no folder');
    expect(problem(undefined, folderWith({}))).toContain('put one *.gguf file there');
    expect(problem(join(folder, 'missing.gguf'))).toContain('ENOENT');
    expect(problem(join(folder, 'c.txt'))).toContain('not a GGUF file');
    expect(problem(join(folder, 'empty'))).toContain('not a GGUF file');
    expect(problem(join(folder, 'sub.gguf'))).toContain('EISDIR');
  });
});
