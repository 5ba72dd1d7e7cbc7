import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { dirname } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { HostList } from './hosts.js';
import { openProxy, type ProxyOptions, type WayOut } from './proxy.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(listener: http.RequestListener): Promise<number> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
    return once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function proxy(hosts: string[], more: Partial<ProxyOptions> = {}): Promise<WayOut> {
  const problems: Error[] = [];
  const opened = openProxy({
    hosts: new HostList(hosts),
    bytesMax: 100_000,
    onProblem: (error) => problems.push(error),
    ...more,
  });
  ends.push(() => {
    opened.close();
    expect(problems).toEqual([]);
  });
  while (!existsSync(opened.socket)) await new Promise((resolve) => setTimeout(resolve, 5));
  return opened;
}

/** Everything that comes back for some bytes. */
function raw(socketPath: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.write(bytes));
    let said = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      said += text;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
  });
}

const connectTo = (target: string, then = ''): string =>
  `CONNECT ${target} HTTP/1.1\r\nhost: x\r\n\r\n${then}`;
const get = (url: string): string =>
  `GET ${url} HTTP/1.1\r\nhost: other\r\nproxy-authorization: secret\r\nx-own: 1\r\n\r\n`;

test('a tunnel to a listed host, and nowhere else', async () => {
  const port = await serve((_request, response) => response.end('through'));
  const other = await serve((_request, response) => response.end('secret'));
  const { socket } = await proxy([`127.0.0.1:${port}`]);
  const inside = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
  for (const host of ['127.0.0.1', '127.1', '2130706433']) {
    const said = await raw(socket, connectTo(`${host}:${port}`, inside));
    expect(said).toMatch(/^HTTP\/1.1 200 /);
    expect(said).toContain('through');
  }
  for (const target of [
    `127.0.0.1:${other}`,
    `localhost:${port}`,
    '127.0.0.1:99999',
    'x',
    '[::1]:80',
    `u@127.0.0.1:${port}`,
  ])
    expect([target, (await raw(socket, connectTo(target, inside))).slice(0, 12)]).toEqual([
      target,
      'HTTP/1.1 403',
    ]);
});

test('plain HTTP is asked under its own host, without what is for proxies', async () => {
  const seen: http.IncomingHttpHeaders[] = [];
  const port = await serve((request, response) => {
    seen.push(request.headers);
    response.end(`path ${request.url}`);
  });
  const { socket } = await proxy([`127.0.0.1:${port}`]);
  expect(await raw(socket, get(`http://127.0.0.1:${port}/a?b`))).toContain('path /a?b');
  expect(seen[0]).toMatchObject({ host: `127.0.0.1:${port}`, 'x-own': '1' });
  expect(seen[0]).not.toHaveProperty('proxy-authorization');
  for (const url of [
    '/status',
    'https://127.0.0.1/',
    `http://localhost:${port}/`,
    'file:///etc/passwd',
    `http://u:p@127.0.0.1:${port}/`,
  ])
    expect([
      url,
      (await raw(socket, get(url).replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))).slice(0, 12),
    ]).toEqual([url, 'HTTP/1.1 403']);
});

test('a listed name that leads inside is refused; what is resolved is what is connected to', async () => {
  const port = await serve((_request, response) => response.end('there'));
  const answers = [['127.0.0.1'], ['10.0.0.1'], ['169.254.169.254']];
  const resolve = async () => answers.shift() ?? [];
  const { socket } = await proxy([`name.test:${port}`, `127.0.0.1:${port}`], { resolve });
  const url = `http://name.test:${port}/`;
  expect(await raw(socket, get(url))).toContain('there');
  for (const _ of [1, 2]) expect(await raw(socket, connectTo(`name.test:${port}`))).toMatch(/^HTTP\/1.1 403/);
  expect(await raw(socket, connectTo(`name.test:${port}`))).toMatch(/^HTTP\/1.1 502/);
});

test('what brings in too much is cut off', async () => {
  const port = await serve((_request, response) => {
    response.on('error', () => undefined);
    response.end(Buffer.alloc(3_000_000, 'x'));
  });
  const { socket } = await proxy([`127.0.0.1:${port}`]);
  expect(
    (await raw(socket, connectTo(`127.0.0.1:${port}`, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'))).length,
  ).toBeLessThan(1_000_000);
  expect((await raw(socket, get(`http://127.0.0.1:${port}/`))).length).toBeLessThan(1_000_000);
});

test('its folder cannot be listed by others, and is gone at the end', async () => {
  const opened = await proxy(['example.org']);
  const folder = dirname(opened.socket);
  expect(statSync(folder).mode & 0o777).toBe(0o711);
  opened.close();
  expect(existsSync(folder)).toBe(false);
});
