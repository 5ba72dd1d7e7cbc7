import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';

let appliance: TestAppliance;
let client: Client;

beforeAll(async () => {
  appliance = await TestAppliance.start({
    env: { ARKALIA_ZEROIA_ACT: 'false', ARKALIA_ENGINES_ORDER: 'navigator' },
  });
  client = new Client({ name: 'a-test', version: '1' });
  await client.connect(transport() as never);
});
afterAll(async () => {
  await client?.close();
  await appliance?.close();
});

const transport = () => new StreamableHTTPClientTransport(new URL('/mcp', appliance.url));
const rpc = (body: object, headers: Record<string, string> = {}) =>
  appliance.post('/mcp', { jsonrpc: '2.0', ...body }, headers);
const textOf = (result: unknown): string =>
  (result as { content: { text: string }[] }).content.map(({ text }) => text).join('');

test('the official client connects, and learns what there is', async () => {
  expect(client.getServerVersion()).toMatchObject({ name: 'arkalia-luna' });
  await client.ping();
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(['status', 'search_documents']);
  expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
});

test('status is that of the appliance, as text and as a structure', async () => {
  const result = await client.callTool({ name: 'status', arguments: {} });
  expect(result.structuredContent).toMatchObject({ name: 'arkalia-luna', ready: true, level: 'normal' });
  expect(JSON.parse(textOf(result))).toEqual(result.structuredContent);
});

test('documents are searched and read', async () => {
  const found = await client.callTool({
    name: 'search_documents',
    arguments: { query: 'seccomp bubblewrap' },
  });
  expect(textOf(found)).toContain('.md');
  const { resources } = await client.listResources();
  expect(resources.map(({ uri }) => uri)).toContain('arkalia://documents/docs/tools.md');
  const { contents } = await client.readResource({ uri: 'arkalia://documents/docs/tools.md' });
  expect((contents[0] as { text: string }).text).toMatch(/^# Tools/);
  const { contents: status } = await client.readResource({ uri: 'arkalia://status' });
  expect(JSON.parse((status[0] as { text: string }).text)).toMatchObject({ ready: true });
});

test.each(['arkalia://documents/../package.json', 'arkalia://documents/', 'file:///etc/passwd', '', 7])(
  'there is no resource %s',
  async (uri) => {
    const answer = (await (await rpc({ id: 1, method: 'resources/read', params: { uri } })).json()) as object;
    expect(answer).toMatchObject({ id: 1, error: { code: -32_002 } });
  },
);

test('what is wrong is told in the protocol: a method, a tool, arguments', async () => {
  const answers = async (method: string, params: object) =>
    (await (await rpc({ id: 'x', method, params })).json()) as { error?: object; result?: object };
  for (const method of ['tools/delete', 'constructor', '__proto__', 'toString'])
    expect(await answers(method, {})).toMatchObject({ id: 'x', error: { code: -32_601 } });
  expect(await answers('tools/call', { name: 'rm' })).toMatchObject({ error: { code: -32_602 } });
  for (const given of [{}, { query: '' }, { query: 'x'.repeat(3000) }, { query: 1 }, null])
    expect(await answers('tools/call', { name: 'search_documents', arguments: given })).toMatchObject({
      result: { isError: true },
    });
});

test('a version that is not known is answered with one that is; a wrong header is refused', async () => {
  const asked = { id: 1, method: 'initialize', params: { protocolVersion: '1999-01-01' } };
  expect(await (await rpc(asked)).json()).toMatchObject({ result: { protocolVersion: '2025-06-18' } });
  expect((await rpc({ id: 1, method: 'ping' }, { 'mcp-protocol-version': '1999-01-01' })).status).toBe(400);
  expect((await rpc({ id: 1, method: 'ping' }, { 'mcp-protocol-version': '2025-06-18' })).status).toBe(200);
});

test('notifications and responses are taken without an answer; batches, GET and DELETE are not', async () => {
  for (const body of [{ method: 'notifications/initialized' }, { id: 3, result: {} }]) {
    const response = await rpc(body);
    expect([response.status, await response.text()]).toEqual([202, '']);
  }
  expect((await appliance.post('/mcp', [{ jsonrpc: '2.0', id: 1, method: 'ping' }])).status).toBe(400);
  for (const method of ['GET', 'DELETE'])
    expect((await fetch(`${appliance.url}/mcp`, { method })).status).toBe(405);
});

test('a foreign page gets nothing, however it asks', async () => {
  const body = { id: 1, method: 'tools/call', params: { name: 'status' } };
  expect((await rpc(body, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await rpc(body, { 'content-type': 'text/plain' })).status).toBe(415);
});
