import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli } from '../http/cli.js';
import { type Components, fits, type Schema } from '../http/json-schema.js';
import { send } from '../http/raw.js';
import { TestAppliance } from '../support/appliance.js';
import { LiveSocketClient, type Said } from './live-socket.js';

const topics = [
  'device',
  'decisions',
  'level',
  'engines',
  'queue',
  'ledger',
  'incidents',
  'models',
  'system',
];
let appliance: TestAppliance;
const clients: LiveSocketClient[] = [];
function connect(
  ...options: ConstructorParameters<typeof LiveSocketClient> extends [unknown, ...infer Rest] ? Rest : never
) {
  const client = new LiveSocketClient(appliance, ...options);
  clients.push(client);
  return client;
}
const refusal = (client: LiveSocketClient) =>
  client.open().then(
    () => 'opened',
    (error: Error) => error.message,
  );
const decide = () => appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'none' });

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  await appliance.close();
});

describe('/ws', () => {
  beforeEach(async () => {
    appliance = await TestAppliance.start({
      env: { ARKALIA_REFLEXIA_INTERVAL_MS: '250', ARKALIA_NYXALIA_SOCKETS_MAX: '3' },
    });
  });

  test('tells of model files to administrators only', async () => {
    const client = connect();
    await client.open();
    client.send({ type: 'subscribe', topic: 'models' });
    const said = await client.until(({ type }) => type === 'error');
    expect(said).toMatchObject({ code: 'forbidden', detail: expect.stringContaining('admin') });
  });

  test('tells each topic in the form that /asyncapi.json says', async () => {
    const argv = ['keys', 'create', 'all', '--role', 'admin', '--data', appliance.dataDir];
    const key = (await cli(argv, { cwd: appliance.dataDir })).stdout.trim();
    const client = connect({ protocols: ['arkalia.v1', `arkalia.key.${key}`] });
    const hello = await client.open();
    expect(client.socket.protocol).toBe('arkalia.v1');
    for (const topic of topics) client.send({ type: 'subscribe', topic });
    for (const topic of topics) await client.until((said) => said.topic === topic);
    await client.until((said) => said.topic === 'device' && said.type === 'event');
    await client.until((said) => said.topic === 'decisions' && said.type === 'event');
    const document = (await appliance.json('/asyncapi.json')) as Record<string, never> & {
      channels: { live: { messages: { fromServer: { payload: { oneOf: Schema[] } } } } };
      'x-topics': Record<string, { snapshot: Schema; event: Schema }>;
    };
    expect(document.asyncapi).toBe('3.0.0');
    expect(Object.keys(document['x-topics']).sort()).toEqual([...topics].sort());
    const forms = document.channels.live.messages.fromServer.payload.oneOf;
    const none: Components = {};
    for (const said of [hello, ...client.said]) {
      expect([said, forms.some((form) => fits(plain(form), said, none))]).toEqual([said, true]);
      if (typeof said.topic !== 'string') continue;
      const { snapshot, event } = document['x-topics'][said.topic]!;
      const form = said.type === 'event' ? event : snapshot;
      expect([said, fits(plain(form), said.data, none)]).toEqual([said, true]);
    }
  });

  test('goes on from the last position after a break, and misses nothing', async () => {
    const first = connect();
    const { boot } = await first.open();
    first.send({ type: 'subscribe', topic: 'device' });
    const { id } = await first.until(({ type, topic }) => type === 'event' && topic === 'device');
    first.socket.terminate();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const second = connect();
    await second.open();
    second.send({ type: 'subscribe', topic: 'device', boot, after: id });
    await second.until((said) => said.id === (id as number) + 3);
    const ids = second.said.filter(({ topic }) => topic === 'device').map(({ type, id: at }) => [type, at]);
    expect(ids.slice(0, 3)).toEqual([1, 2, 3].map((step) => ['event', (id as number) + step]));
  });

  test('the head of the ledger moves with it', async () => {
    const client = connect();
    await client.open();
    client.send({ type: 'subscribe', topic: 'ledger' });
    const sizeOf = (said: Said) => (said.data as { size: number }).size;
    const before = sizeOf(await client.until(({ topic }) => topic === 'ledger'));
    await decide();
    await client.until((said) => said.topic === 'ledger' && sizeOf(said) > before);
  });

  test('a page of a foreign origin, and a foreign host name, are refused before the upgrade', async () => {
    expect(await refusal(connect({ headers: { origin: 'https://attacker.example' } }))).toBe('HTTP 403');
    expect(await refusal(connect({ headers: { origin: 'null' } }))).toBe('HTTP 403');
    expect(await refusal(connect({ headers: { host: 'attacker.example' } }))).toBe('HTTP 421');
    expect(await refusal(connect({ headers: { origin: appliance.url } }))).toBe('opened');
  });

  test('a key that is not valid is refused; with one in a subprotocol its role is said', async () => {
    expect(await refusal(connect({ protocols: ['arkalia.v1', 'arkalia.key.ark_aaaaaaaa_bbbb'] }))).toBe(
      'HTTP 401',
    );
    const made = await cli(
      ['keys', 'create', '--name', 'x', '--role', 'operator', '--data', appliance.dataDir],
      { cwd: appliance.dataDir },
    );
    const client = connect({ protocols: ['arkalia.v1', `arkalia.key.${made.stdout.trim()}`] });
    expect(await client.open()).toMatchObject({ role: 'operator' });
    expect(client.socket.protocol).toBe('arkalia.v1');
    const byHeader = connect({ headers: { authorization: `Bearer ${made.stdout.trim()}` } });
    expect(await byHeader.open()).toMatchObject({ role: 'operator' });
  });

  test('a revoked key ends its sockets', async () => {
    const made = await cli(['keys', 'create', '--name', 'x', '--role', 'user', '--data', appliance.dataDir], {
      cwd: appliance.dataDir,
    });
    const client = connect({ protocols: ['arkalia.v1', `arkalia.key.${made.stdout.trim()}`] });
    await client.open();
    await cli(['keys', 'revoke', made.stdout.split('_')[1]!, '--data', appliance.dataDir], {
      cwd: appliance.dataDir,
    });
    expect(await client.closed).toBe(4401);
  });

  test('more sockets than are allowed are 429, and a place that is free again is taken', async () => {
    const open = [connect(), connect(), connect()];
    for (const client of open) await client.open();
    expect(await refusal(connect())).toBe('HTTP 429');
    open[0]!.socket.close();
    await open[0]!.closed;
    await connect().open();
  });

  test('another path, a plain request, a long or a binary message do no harm', async () => {
    const elsewhere = new LiveSocketClient({ url: `${appliance.url}/nothing` });
    clients.push(elsewhere);
    expect(await refusal(elsewhere)).toBe('HTTP 404');
    expect((await send(appliance.url, { path: '/ws' })).status).toBe(404);
    const long = connect();
    await long.open();
    long.send('x'.repeat(5000));
    expect(await long.closed).toBe(1009);
    const binary = connect();
    await binary.open();
    binary.socket.send(Buffer.from([1, 2, 3]));
    expect(await binary.closed).toBe(4400);
    expect((await send(appliance.url, { path: '/health' })).status).toBe(200);
  });

  test('a broken handshake is refused', async () => {
    const answer = await send(appliance.url, {
      path: '/ws',
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    });
    expect(answer.status).toBe(400);
  });

  test('a server that stops says so and does not wait for its sockets', async () => {
    const client = connect();
    await client.open();
    client.send({ type: 'subscribe', topic: 'device' });
    const ended = appliance.end();
    expect(await client.closed).toBe(1001);
    expect(await ended).toBe(0);
  });
});

describe('beyond loopback', () => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;

  test.skipIf(address === undefined)('a socket needs a key, and none opens in setup mode', async () => {
    appliance = await TestAppliance.start({ flags: ['--host', '0.0.0.0'] });
    const url = appliance.url.replace('0.0.0.0', address!);
    const away = (protocols: string[]) => {
      const client = new LiveSocketClient({ url }, { protocols });
      clients.push(client);
      return client;
    };
    expect(await refusal(away(['arkalia.v1']))).toBe('HTTP 403');
    const made = await cli(['keys', 'create', '--name', 'x', '--role', 'user', '--data', appliance.dataDir], {
      cwd: appliance.dataDir,
    });
    expect(await refusal(away(['arkalia.v1']))).toBe('HTTP 401');
    expect(await away(['arkalia.v1', `arkalia.key.${made.stdout.trim()}`]).open()).toMatchObject({
      role: 'user',
    });
  });
});

/** The checker knows `enum` and `anyOf`; a constant is an enum of one, and a choice by a name a choice. */
function plain(schema: Schema): Schema {
  return JSON.parse(
    JSON.stringify(schema, (_, value: unknown) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
      const { const: only, oneOf, ...rest } = value as Record<string, unknown>;
      return {
        ...rest,
        ...(only === undefined ? {} : { enum: [only] }),
        ...(oneOf === undefined ? {} : { anyOf: oneOf }),
      };
    }),
  ) as Schema;
}
