import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { answerOf, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { ScriptedUpstream } from '../test/support/scripted-upstream.js';
import { addressOf, Broker } from './broker.js';
import { createPromptRunner } from './index.js';

const workerEntry = new URL('../test/support/faulty-worker.js', import.meta.url);
const times = { connect_timeout_ms: 300, idle_timeout_ms: 2000 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstreamServer(): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start({ as: 'openai' });
  cleanups.push(() => upstream.close());
  return upstream;
}

async function runnerAt(url: string, changes: Parameters<typeof sandboxOptions>[0] = {}) {
  const runner = createPromptRunner(
    sandboxOptions({
      sandbox: { workers: 1 },
      ...changes,
      engines: { ollama: { url, ...times }, openai: { url, ...times }, ...changes.engines },
    }),
  );
  cleanups.push(() => runner.close());
  await runner.start();
  return runner;
}

describe('the broker', () => {
  it.each(['foreign_path', 'foreign_origin', 'foreign_method', 'twice', 'model'])(
    'kills a worker of ollama that asks for what is not its own: %s',
    async (fault) => {
      const upstream = await upstreamServer();
      upstream.always({ kind: 'stall' });
      const runner = await runnerAt(upstream.url, { internal: { workerEntry } });
      await expect(answerOf(runner, jobFor('ollama', fault))).rejects.toMatchObject({ code: 'protocol' });
      expect(runner.status().killed.protocol).toBe(1);
      // Of two, the first is its own; whether it arrived before the worker was killed is a race.
      const paths = upstream.prompts.map((request) => request.path);
      expect(paths).toEqual(fault === 'twice' && paths.length > 0 ? ['/api/chat'] : []);
    },
  );

  it('allows one path an engine', () => {
    const broker = new Broker({ endpoint: () => undefined, viaToken: 't', bytesMax: 1 });
    expect(broker.allows('ollama', '/api/chat')).toBe(true);
    expect(broker.allows('openai', '/v1/chat/completions')).toBe(true);
    for (const path of [
      '/v1/chat/completions',
      '/api/chat/',
      '/api/chat?x',
      '/api/../api/chat',
      '//evil/api/chat',
      '',
    ])
      expect(broker.allows('ollama', path), path).toBe(false);
  });

  it('keeps to the origin and base path of the address', () => {
    const at = (base: string) => addressOf(new URL(base), '/api/chat').href;
    expect(at('http://127.0.0.1:1')).toBe('http://127.0.0.1:1/api/chat');
    expect(at('http://h:1/base/')).toBe('http://h:1/base/api/chat');
  });

  it('follows no redirect', async () => {
    const upstream = await upstreamServer();
    const other = await upstreamServer();
    upstream.next({ kind: 'status', status: 307, headers: { location: `${other.url}/api/chat` } });
    const runner = await runnerAt(upstream.url);
    await expect(answerOf(runner, jobFor('ollama', 'x'))).rejects.toMatchObject({ code: 'engine_rejected' });
    expect(other.requests).toEqual([]);
  });

  it('knows itself by its Via in an answer', async () => {
    const upstream = await upstreamServer();
    upstream.next({ kind: 'status', status: 200, headers: { via: '1.1 proxy, 1.1 arkalia-test-token' } });
    const runner = await runnerAt(upstream.url);
    await expect(answerOf(runner, jobFor('openai', 'x'))).rejects.toMatchObject({ code: 'loop_detected' });
  });

  it('sends the key to the configured OpenAI server and to no other engine', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-key-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'key');
    writeFileSync(file, 'sk-visible\n');
    const upstream = await upstreamServer();
    const engines = { openai: { url: upstream.url, ...times, api_key_file: file } };
    const runner = await runnerAt(upstream.url, { engines });
    for (const engine of ['openai', 'ollama'] as const) await answerOf(runner, jobFor(engine, 'x'));
    expect(upstream.prompts.map((request) => request.headers.authorization)).toEqual([
      'Bearer sk-visible',
      undefined,
    ]);
    writeFileSync(file, 'two words');
    expect(() => createPromptRunner(sandboxOptions({ engines }))).toThrow('api_key_file');
  });

  it('tells an address where nobody listens', async () => {
    const upstream = await ScriptedUpstream.start();
    await upstream.close();
    const runner = await runnerAt(upstream.url);
    await expect(answerOf(runner, jobFor('ollama', 'x'))).rejects.toMatchObject({
      code: 'engine_unreachable',
    });
  });

  it('tells a connection that is never accepted', async () => {
    // A TLS handshake that nobody answers is a connection that does not come about.
    const mute = net.createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const sockets: net.Socket[] = [];
    mute.on('connection', (socket) => sockets.push(socket));
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const { port } = mute.address() as net.AddressInfo;
    const runner = await runnerAt(`https://127.0.0.1:${port}`);
    await expect(answerOf(runner, jobFor('openai', 'x'))).rejects.toThrow(
      /did not accept a connection within 300 ms/,
    );
  });

  it('reads an engine no faster than the client does', async () => {
    const upstream = await upstreamServer();
    const line = `${JSON.stringify({ message: { content: 'x'.repeat(16_000) }, done: false })}\n`;
    upstream.next({ kind: 'raw', chunks: Array.from({ length: 2000 }, () => line) });
    const runner = await runnerAt(upstream.url, { sandbox: { workers: 1, output_bytes_max: 67_108_864 } });
    const signal = new AbortController().signal;
    let bytes = 0;
    let whole: boolean | undefined;
    for await (const event of runner.run(jobFor('ollama', 'x'), { timeoutMs: 20_000, signal })) {
      if (event.type !== 'delta') continue;
      bytes += event.text.length;
      if (whole !== undefined) continue;
      // Longer than the idle timeout would allow, were the engine the one who is silent.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const closed = upstream.prompts.at(-1)?.closed as Promise<boolean>;
      whole = await Promise.race([closed, Promise.resolve(false)]);
      expect(whole).toBe(false);
      if (bytes > 0) break;
    }
    expect(bytes).toBe(16_000);
  });
});
