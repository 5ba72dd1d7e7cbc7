import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ledgerEvents, noBreaker, startAppliance } from '../chat/support.js';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';

const fixture = (name: string) => fileURLToPath(new URL(`./${name}.fixture.js`, import.meta.url));
const root = dirname(dirname(dirname(dirname(fixture('honest-server')))));

let folder: string;
let upstream: ScriptedUpstream;
let appliance: TestAppliance;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-mcp-config-'));
  const server = (name: string, script: string, args: string[]) => `[mcp.servers.${name}]
command = ${JSON.stringify(process.execPath)}
args = ${JSON.stringify([fixture(script), ...args])}
folders = ${JSON.stringify([root])}
`;
  const servers = [
    server('honest', 'honest-server', []),
    server('injecting', 'hostile-server', ['']),
    server('broken', 'hostile-server', ['leave']),
  ];
  writeFileSync(join(folder, 'arkalia.toml'), servers.join('\n'));
  upstream = await ScriptedUpstream.start({ models: ['quill'] });
  appliance = await startAppliance(
    { ...noBreaker, ARKALIA_ENGINES_OPENAI_URL: upstream.url, ARKALIA_ENGINES_ORDER: 'openai' },
    ['--config', join(folder, 'arkalia.toml')],
  );
});
afterAll(async () => {
  await appliance?.close();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Sent {
  messages: { role: string; content: string }[];
  tools: { function: { name: string } }[];
}

async function chat(tools: string[], call?: { name: string; arguments: object }) {
  upstream.requests.length = 0;
  if (call !== undefined) upstream.next({ kind: 'calls', calls: [call] });
  upstream.next({ kind: 'ok', pieces: ['Done.'] });
  const response = await appliance.post('/chat', { message: 'What is it?', tools });
  const sent = upstream.prompts.map(({ body }) => JSON.parse(body) as Sent);
  return { response, sent, given: sent.at(-1)?.messages.at(-1)?.content ?? '' };
}

test('the tools of a configured server are offered, called, and recorded; poisoned words are not passed on', async () => {
  const { response, sent, given } = await chat(['mcp:honest', 'clock'], {
    name: 'honest__echo',
    arguments: { text: 'once more' },
  });
  expect(response.status).toBe(200);
  const names = sent[0]!.tools.map((tool) => tool.function.name);
  expect(names).toContain('run_javascript');
  expect(names).toContain('honest__echo');
  expect(names).not.toContain('honest__poisoned');
  expect(given).toBe('<document name="honest__echo">\nonce more\n</document>');
  const { receipt } = (await response.json()) as { receipt: { index: number } };
  const events = await ledgerEvents(appliance, `until=${receipt.index}`);
  const types = events.map(({ type, data }) => [type, data.tool ?? data.server]);
  expect(types).toContainEqual(['mcp_server_changed', 'honest']);
  expect(types).toContainEqual(['tool_ran', 'honest__echo']);
});

test('what a server says is untrusted: an injection does not reach the model', async () => {
  const { response, given } = await chat(['mcp:injecting'], { name: 'injecting__act', arguments: {} });
  expect(response.status).toBe(200);
  expect(given).toContain('withheld by the guard');
  expect(given).not.toContain('previous instructions');
});

test('a server that is not granted is not there, one that is not configured refused, one that does not start told', async () => {
  const { given } = await chat(['clock'], { name: 'honest__echo', arguments: { text: 'x' } });
  expect(given).toContain('There is no such tool');
  expect((await chat(['mcp:other'])).response.status).toBe(403);
  const { response } = await chat(['mcp:broken']);
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ code: 'sandbox_failed' });
  const { modules } = (await appliance.json('/status')) as {
    modules: { assistantia: { facts: { mcp: object } } };
  };
  expect(modules.assistantia.facts.mcp).toMatchObject({
    honest: { state: 'ready' },
    broken: { state: 'resting', problem: 'left' },
  });
});
