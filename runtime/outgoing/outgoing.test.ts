import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { OutgoingError } from '../contracts/outgoing.js';
import { HostList, isHostEntry } from './hosts.js';
import { createOutgoing, type OutgoingOptions } from './outgoing.js';
import type { Resolver } from './resolve.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) (server as http.Server).closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function listening(server: http.Server | https.Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const serve = (listener: http.RequestListener): Promise<number> => listening(http.createServer(listener));

function get(url: string, hosts: string[], more: Partial<OutgoingOptions> = {}, signal?: AbortSignal) {
  const options = { hosts: new HostList(hosts), bytesMax: 10_000, timeoutMs: 5000, ...more };
  return createOutgoing(options).get(url, signal ?? new AbortController().signal);
}

const faultOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it was answered',
    (error: unknown) => (error instanceof OutgoingError ? error.code : String(error)),
  );

/** A resolver that answers each time with the next. */
function answering(...answers: string[][]): { resolve: Resolver; asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolver = async (name) => {
    asked.push(name);
    const answer = answers[asked.length - 1];
    if (answer === undefined) throw Object.assign(new Error('asked too often'), { code: 'ENOTFOUND' });
    return answer;
  };
  return { resolve, asked };
}

test('a listed host at a listed address is asked there, under its own name, once', async () => {
  const seen: (string | undefined)[] = [];
  const port = await serve((request, response) => {
    seen.push(request.headers.host, request.url);
    response.setHeader('content-type', 'text/plain');
    response.end('là');
  });
  const { resolve, asked } = answering(['127.0.0.1']);
  const hosts = [`printer.test:${port}`, `127.0.0.1:${port}`];
  const answer = await get(`http://printer.test:${port}/a%20b?c=d#e`, hosts, { resolve });
  expect(answer).toEqual({ status: 200, type: 'text/plain', text: 'là' });
  expect(seen).toEqual([`printer.test:${port}`, '/a%20b?c=d']);
  expect(asked).toEqual(['printer.test']);
});

test('a name that is listed and leads inside is refused: the second answer of a rebinding resolver is never asked for', async () => {
  const port = await serve((_request, response) => response.end('secret'));
  const hosts = [`rebind.test:${port}`];
  for (const inside of ['127.0.0.1', '169.254.169.254', '::ffff:127.0.0.1', '64:ff9b::7f00:1', 'fd00::1']) {
    const { resolve, asked } = answering([inside]);
    expect(await faultOf(get(`http://rebind.test:${port}/`, hosts, { resolve }))).toBe('private_address');
    expect(asked).toHaveLength(1);
  }
  // One bad address among good ones refuses all of them.
  const mixed = answering(['8.8.8.8', '127.0.0.1']);
  expect(await faultOf(get(`http://rebind.test:${port}/`, hosts, { resolve: mixed.resolve }))).toBe(
    'private_address',
  );
});

test('a redirect resolves and checks anew', async () => {
  const port = await serve((request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/next' }).end();
    else response.end('secret');
  });
  const hosts = [`rebind.test:${port}`, `127.0.0.1:${port}`];
  const { resolve, asked } = answering(['127.0.0.1'], ['10.0.0.1']);
  expect(await faultOf(get(`http://rebind.test:${port}/`, hosts, { resolve }))).toBe('private_address');
  expect(asked).toHaveLength(2);
});

test('forms of loopback that are not listed are refused, however they are written', async () => {
  const port = await serve((_request, response) => response.end('secret'));
  const forms = [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
  ];
  for (const form of [...forms, 'localhost', 'localhost.', '0', '127.0.0.1.'])
    expect([form, await faultOf(get(`http://${form}:${port}/`, ['example.org', `[::1]:1`]))]).toEqual([
      form,
      'not_listed',
    ]);
  // The name alone does not open its address.
  expect(await faultOf(get(`http://localhost:${port}/`, [`localhost:${port}`]))).toBe('private_address');
  // Once the address is listed, each form of it is that address.
  for (const form of forms.slice(0, 6))
    expect((await get(`http://${form}:${port}/`, [`127.0.0.1:${port}`])).text).toBe('secret');
});

test('another port, another scheme and another case of the name are what they are', async () => {
  const port = await serve((_request, response) => response.end('ok'));
  const hosts = [`name.test:${port}`, `127.0.0.1:${port}`];
  const { resolve } = answering(['127.0.0.1']);
  expect(await faultOf(get(`http://name.test:${port + 1}/`, hosts, { resolve }))).toBe('not_listed');
  expect(await faultOf(get('http://name.test/', hosts, { resolve }))).toBe('not_listed');
  expect((await get(`http://NAME.test.:${port}/`, hosts, { resolve })).text).toBe('ok');
});

test.each([
  'ftp://example.org/',
  'file:///etc/passwd',
  'javascript:1',
  'http://u:p@example.org/',
  'x',
  '',
  'http://a b/',
])('%s is no URL to ask', async (url) => expect(await faultOf(get(url, ['example.org']))).toBe('bad_url'));

test('a redirect to another host, port or scheme is not followed, and one to itself three times', async () => {
  const other = await serve((_request, response) => response.end('elsewhere'));
  let location = '';
  let asked = 0;
  const port = await serve((_request, response) => {
    asked += 1;
    response.writeHead(307, { location }).end();
  });
  const hosts = [`127.0.0.1:${port}`, `127.0.0.1:${other}`, `localhost:${port}`];
  for (location of [
    `http://127.0.0.1:${other}/`,
    `http://localhost:${port}/`,
    `https://127.0.0.1:${port}/`,
    'http://[',
    `//127.0.0.1:${other}/`,
  ])
    expect([location, await faultOf(get(`http://127.0.0.1:${port}/`, hosts))]).toEqual([
      location,
      'redirect',
    ]);
  asked = 0;
  location = '/again';
  expect(await faultOf(get(`http://127.0.0.1:${port}/`, hosts))).toBe('redirect');
  expect(asked).toBe(4);
});

test('a long body is cut off, whether its length is told or not, and a compressed one is not taken', async () => {
  const port = await serve((request, response) => {
    if (request.url === '/told') response.setHeader('content-length', 1_000_000_000);
    if (request.url === '/zip') response.setHeader('content-encoding', 'gzip');
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) undefined;
    };
    response.on('drain', pour);
    pour();
  });
  const hosts = [`127.0.0.1:${port}`];
  expect(await faultOf(get(`http://127.0.0.1:${port}/told`, hosts))).toBe('too_long');
  expect(await faultOf(get(`http://127.0.0.1:${port}/`, hosts))).toBe('too_long');
  expect(await faultOf(get(`http://127.0.0.1:${port}/zip`, hosts))).toBe('unreadable');
});

test('a slow drip, silence, a resolver that hangs and a client that has gone all end it', async () => {
  const drips = new Set<NodeJS.Timeout>();
  const port = await serve((request, response) => {
    if (request.url === '/silent') return;
    const drip = setInterval(() => response.write('x'), 10);
    drips.add(drip);
    response.on('close', () => clearInterval(drip));
  });
  const hosts = [`127.0.0.1:${port}`, 'hang.test'];
  const soon = { timeoutMs: 150 };
  expect(await faultOf(get(`http://127.0.0.1:${port}/`, hosts, soon))).toBe('timeout');
  expect(await faultOf(get(`http://127.0.0.1:${port}/silent`, hosts, soon))).toBe('timeout');
  const never: Resolver = () => new Promise(() => {});
  expect(await faultOf(get('http://hang.test/', hosts, { ...soon, resolve: never }))).toBe('timeout');
  const gone = new AbortController();
  const asked = faultOf(get(`http://127.0.0.1:${port}/`, hosts, {}, gone.signal));
  gone.abort();
  expect(await asked).toBe('aborted');
  expect(await faultOf(get(`http://127.0.0.1:${port}/`, hosts, {}, AbortSignal.abort()))).toBe('aborted');
  for (const drip of drips) clearInterval(drip);
});

test('who does not answer, breaks off or speaks no HTTP is unreachable; a name without an address is unresolved', async () => {
  const port = await serve((request) => request.socket.end('nonsense\r\n\r\n'));
  const broken = await serve((_request, response) => {
    response.write('half');
    setTimeout(() => response.destroy(), 20);
  });
  const closed = await serve(() => undefined);
  servers.pop()?.close();
  for (const dead of [port, broken, closed])
    expect(await faultOf(get(`http://127.0.0.1:${dead}/`, [`127.0.0.1:${dead}`]))).toBe('unreachable');
  expect(await faultOf(get('http://none.test/', ['none.test'], { resolve: async () => [] }))).toBe(
    'unresolved',
  );
  expect(await faultOf(get('http://none.test/', ['none.test'], answering()))).toBe('unresolved');
});

test('over TLS the certificate is held to the name, though an address is connected to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-outgoing-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = ['-subj', '/CN=good.test', '-addext', 'subjectAltName=DNS:good.test'];
    const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', ...made, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
    const ca = readFileSync(cert, 'utf8');
    const server = https.createServer({ key: readFileSync(key), cert: ca }, (_request, response) => {
      response.end('over TLS');
    });
    const port = await listening(server);
    const hosts = [`good.test:${port}`, `bad.test:${port}`, `127.0.0.1:${port}`];
    const resolve: Resolver = async () => ['127.0.0.1'];
    expect((await get(`https://good.test:${port}/`, hosts, { resolve, ca })).text).toBe('over TLS');
    expect(await faultOf(get(`https://bad.test:${port}/`, hosts, { resolve, ca }))).toBe('unreachable');
    expect(await faultOf(get(`https://good.test:${port}/`, hosts, { resolve }))).toBe('unreachable');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  '',
  'http://a',
  'a/b',
  'a:0',
  'a:70000',
  '0x7f.1',
  '2130706433',
  '[::1',
  'a..b',
  'A.org',
  '*.org',
  'a b',
])('"%s" cannot stand in a list of hosts', (entry) => {
  expect(isHostEntry(entry)).toBe(false);
  expect(() => new HostList([entry])).toThrow(RangeError);
});

test.each(['example.org', 'example.org:8443', '192.168.1.5:80', '[::1]:8080', '[2001:db8::1]', 'nas'])(
  '%s can',
  (entry) => expect(isHostEntry(entry)).toBe(true),
);
