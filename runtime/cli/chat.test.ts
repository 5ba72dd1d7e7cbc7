import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';
import { problem, ScriptedServer, type Seen } from './testing/scripted-server.js';

const end = {
  session_id: 's1',
  engine: 'ollama',
  model: 'llama3',
  finish_reason: 'stop',
  reasons: [],
  receipt: { recorded: 'durable', index: 42, leaf_hash: 'ab'.repeat(32) },
};

let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function run(
  answer: (response: ServerResponse, request: Seen) => void,
  ...flags: string[]
): Promise<FakeIo & { code: number }> {
  server = await ScriptedServer.start((request, response) => answer(response, request));
  const io = new FakeIo();
  const code = await runCli(['chat', 'hello', '--url', server.url, ...flags], io);
  expect(io.listening).toBe(0);
  return Object.assign(io, { code });
}

const frame = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const startStream = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });

describe('a stream', () => {
  it('is printed as it comes, then who spoke and the receipt', async () => {
    const { code, stdout, stderr } = await run(
      (response) => {
        startStream(response);
        response.write(frame('delta', { text: 'Hel' }));
        response.end(frame('delta', { text: 'lo\n\tyou' }) + frame('done', end));
      },
      '--session',
      's1',
      '--model',
      'llama3',
    );
    expect(code).toBe(0);
    expect(stdout).toBe('Hello\n\tyou\n');
    expect(stderr).toMatch(/^\n-- llama3 \(engine ollama\), event 42 of the ledger, leaf abab/);
    expect(stderr).toContain('--session s1');
    expect(server?.seen[0]?.body).toEqual({
      message: 'hello',
      session_id: 's1',
      model: 'llama3',
      stream: true,
    });
  });

  it('cannot drive the terminal, nor can the names in its end', async () => {
    const { stdout } = await run((response) => {
      startStream(response);
      response.end(
        frame('delta', { text: '\u001b]0;owned\u0007\rfake\u202e\u009b2J' }) +
          frame('done', { ...end, model: '\u001b[31mx' }),
      );
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there.
    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stdout).toContain('\\x1b]0;owned\\x07\\x0dfake');
  });

  it('that ends with an error frame fails with its code and what to do', async () => {
    const { code, stdout, stderr } = await run((response) => {
      startStream(response);
      response.end(
        frame('delta', { text: 'Once' }) +
          frame('error', { code: 'engine_failed', detail: 'It died.', status: 502, retry_after_ms: 1500 }),
      );
    });
    expect(code).toBe(1);
    expect(stdout).toBe('Once\n');
    expect(stderr).toContain('engine_failed: It died.\nTry again in 2 s.');
  });

  it.each([
    [
      'ends without its last frame',
      (response: ServerResponse) => response.end(frame('delta', { text: 'x' })),
    ],
    [
      'loses its connection',
      (response: ServerResponse) => response.write(frame('delta', { text: 'x' }), () => response.destroy()),
    ],
    [
      'sends frames of another shape',
      (response: ServerResponse) => response.end(frame('delta', { nothing: 1 })),
    ],
    ['sends no JSON', (response: ServerResponse) => response.end('event: done\ndata: yes\n\n')],
  ])('that %s never looks like success', async (_, answer) => {
    const { code, stderr } = await run((response) => {
      startStream(response);
      answer(response);
    });
    expect(code).toBe(1);
    expect(stderr).toContain('The answer is not complete');
  });

  it('stopped by Ctrl-C ends with 130 and ends the request', async () => {
    const io = new FakeIo();
    let gone: Promise<unknown> | undefined;
    server = await ScriptedServer.start((_, response) => {
      gone = new Promise((resolve) => response.on('close', resolve));
      startStream(response);
      response.write(frame('delta', { text: 'Well' }), () => io.signal('SIGINT'));
    });
    expect(await runCli(['chat', 'hello', '--url', server.url], io)).toBe(130);
    expect(io.stderr).toContain('Stopped.');
    await gone;
  });

  it('cut by the guard fails and names the rule', async () => {
    const { code, stderr } = await run((response) => {
      startStream(response);
      const reasons = [{ rule: 'system-prompt-leak', en: 'It repeats its instructions.' }];
      response.end(frame('done', { ...end, finish_reason: 'content_filter', reasons }));
    });
    expect(code).toBe(1);
    expect(stderr).toContain('system-prompt-leak: It repeats its instructions.');
  });
});

describe('without a stream', () => {
  it('prints the whole answer', async () => {
    const { code, stdout, stderr } = await run(
      (response) => response.end(JSON.stringify({ ...end, answer: 'Hi\u001b[2J' })),
      '--no-stream',
    );
    expect(code).toBe(0);
    expect(stdout).toBe('Hi\\x1b[2J\n');
    expect(stderr).toContain('-- llama3');
    expect(server?.seen[0]?.body).toMatchObject({ stream: false });
  });

  it.each(['garbage', '{}', ''])('says so when the answer is %j', async (text) => {
    const { code, stderr } = await run((response) => response.end(text), '--no-stream');
    expect(code).toBe(1);
    expect(stderr).toContain('Is it Arkalia?');
  });
});

describe('a refusal', () => {
  it('is shown with its reasons, each said once', async () => {
    const { code, stdout, stderr } = await run((response) =>
      problem(response, 403, {
        code: 'prompt_refused',
        detail: 'The guard refused the prompt: It asks for secrets.',
        reasons: [
          { rule: 'secrets', en: 'It asks for secrets.' },
          { rule: 'other', en: 'Another\u001b[2J.' },
        ],
      }),
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      'prompt_refused: The guard refused the prompt: It asks for secrets.\n  rule secrets\n  other: Another\\x1b[2J.\n',
    );
  });

  it('without a key says how to get one', async () => {
    const { stderr } = await run((response) =>
      problem(response, 401, { code: 'unauthorized', detail: 'No.' }),
    );
    expect(stderr).toContain('arkalia keys create');
  });

  it('by something else than Arkalia says so', async () => {
    const { code, stderr } = await run((response) => {
      response.writeHead(502);
      response.end('<html>');
    });
    expect(code).toBe(1);
    expect(stderr).toContain('status 502 and no reason');
  });
});

describe('the server and the key', () => {
  it('says how to start a server that is not there', async () => {
    server = await ScriptedServer.start((_, response) => response.end());
    const { url } = server;
    await server.close();
    server = undefined;
    const io = new FakeIo();
    expect(await runCli(['chat', 'hello', '--url', url], io)).toBe(1);
    expect(io.stderr).toContain(`No server answers at ${url}. Start it with: npm start`);
  });

  it('shows the key of api_key_file to our own server only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-cli-'));
    try {
      const file = join(folder, 'key');
      writeFileSync(file, 'ark_mykey1_x\n');
      const shown: (string | undefined)[] = [];
      server = await ScriptedServer.start((request, response) => {
        shown.push(request.headers.authorization);
        startStream(response);
        response.end(frame('done', end));
      });
      const env = { ARKALIA_API_KEY_FILE: file, ARKALIA_HTTP_PORT: new URL(server.url).port };
      await runCli(['chat', 'hello'], new FakeIo(env));
      await runCli(['chat', 'hello', '--url', server.url], new FakeIo(env));
      await runCli(['chat', 'hello', '--url', server.url, '--key', 'k'], new FakeIo(env));
      expect(shown).toEqual(['Bearer ark_mykey1_x', undefined, 'Bearer k']);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('does not follow a redirection', async () => {
    const { code } = await run((response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/' });
      response.end();
    });
    expect(code).toBe(1);
  });
});
