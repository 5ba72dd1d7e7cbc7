import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostList } from '../outgoing/hosts.js';
import { type DownloadOptions, download } from './download.js';
import { PartFile } from './part-file.js';

const file = randomBytes(300_000);
let folder: string;
let server: http.Server | undefined;
/** Bytes that the download under test has. */
let taken = 0;
const ending = new AbortController();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-download-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  if (server !== undefined) await once(server.close(), 'close');
  server = undefined;
  rmSync(folder, { recursive: true });
});

interface Asked {
  range: string | undefined;
  condition: string | undefined;
}

/** A server whose every answer is the test's; remembers what it was asked. */
async function serve(
  answer: (response: http.ServerResponse, nth: number, asked: Asked) => void,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  server = http.createServer(({ headers }, response) => {
    const one = { range: headers.range, condition: headers['if-range'] as string | undefined };
    asked.push(one);
    answer(response, asked.length, one);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`, asked };
}

const part = () => new PartFile(join(folder, '.m.pull'));
const notes = () => join(folder, '.m.pull.json');
const get = (url: string, more: Partial<DownloadOptions> = {}) =>
  download({
    url,
    part: part(),
    notes: notes(),
    bytesMax: 1_000_000,
    viaToken: 'test',
    // Addresses of this machine are refused unless listed, and each test has its own port.
    pull: {
      hosts: new HostList(url.startsWith('http://127.0.0.1:') ? [new URL(url).host] : []),
      timeoutMs: 60_000,
    },
    signal: ending.signal,
    onSize: async () => undefined,
    onProgress: (bytes) => {
      taken = bytes;
    },
    waitMs: 1,
    ...more,
  });
const got = () => createHash('sha256').update(readFileSync(part().path)).digest('hex');
const right = createHash('sha256').update(file).digest('hex');
const whole = (response: http.ServerResponse, etag = '"a"', body: Buffer = file) =>
  response.writeHead(200, { 'content-length': body.length, etag }).end(body);
const rest = (response: http.ServerResponse, { range }: Asked, etag = '"a"', of = file.length) => {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]);
  const body = file.subarray(from);
  response
    .writeHead(206, { 'content-length': body.length, 'content-range': `bytes ${from}-${of - 1}/${of}`, etag })
    .end(body);
};
/** Sends so much of the body, then breaks the connection. */
const cut = (response: http.ServerResponse, bytes: number, headers: http.OutgoingHttpHeaders) => {
  response.writeHead(200, headers);
  taken = 0;
  response.write(file.subarray(0, bytes));
  // Not before it was taken: what a reader has not read of a connection that breaks is lost to it.
  const look = setInterval(() => {
    if (taken < bytes) return;
    clearInterval(look);
    response.destroy();
  }, 1);
  response.on('close', () => clearInterval(look));
};
const full = { 'content-length': file.length, etag: '"a"' };

describe('a download', () => {
  it('comes whole, and tells how far it is', async () => {
    const { url } = await serve((response) => whole(response));
    const told: [number, number | null][] = [];
    await get(url, { onProgress: (bytes, of) => told.push([bytes, of]) });
    expect(got()).toBe(right);
    expect(told.at(-1)).toEqual([file.length, file.length]);
  });

  it('goes on where the connection broke, when the server says that it is the same file', async () => {
    const { url, asked } = await serve((response, nth, one) =>
      nth === 1 ? cut(response, 100_000, full) : rest(response, one),
    );
    await get(url);
    expect(got()).toBe(right);
    expect(asked).toEqual([
      { range: undefined, condition: undefined },
      { range: 'bytes=100000-', condition: '"a"' },
    ]);
  });

  it('goes on after a restart, and not with what belongs to another address', async () => {
    writeFileSync(part().path, file.subarray(0, 1000));
    const { url, asked } = await serve((response, _nth, one) =>
      one.range === undefined ? whole(response) : rest(response, one),
    );
    writeFileSync(notes(), JSON.stringify({ url, etag: '"a"', of: file.length }));
    await get(url);
    expect([asked[0]?.range, got()]).toEqual(['bytes=1000-', right]);
    writeFileSync(part().path, 'of something else');
    writeFileSync(notes(), JSON.stringify({ url: `${url}2`, etag: '"a"', of: file.length }));
    await get(url);
    expect([asked[1]?.range, got()]).toEqual([undefined, right]);
  });

  it.each([
    ['a whole new file (200)', (response: http.ServerResponse) => whole(response, '"b"')],
    [
      'a part of a new file (206), in spite of If-Range',
      (response: http.ServerResponse, one: Asked) =>
        one.range === undefined ? whole(response, '"b"') : rest(response, one, '"b"'),
    ],
    [
      'a part of a file of another length',
      (response: http.ServerResponse, one: Asked) =>
        one.range === undefined ? whole(response, '"a"') : rest(response, one, '"a"', file.length + 1),
    ],
  ])('begins anew when the server has %s', async (_what, answer) => {
    const old = { 'content-length': file.length, etag: '"a"' };
    const { url } = await serve((response, nth, one) => {
      if (nth > 1) return void answer(response, one);
      response.writeHead(200, old);
      response.write(Buffer.alloc(50_000, 1), () => setTimeout(() => response.destroy(), 20));
    });
    await get(url);
    expect(got()).toBe(right);
  });

  it('begins anew each time where there is no strong ETag, and gives up when that leads nowhere', async () => {
    const { url, asked } = await serve((response) => cut(response, 70_000, { ...full, etag: 'W/"a"' }));
    await expect(get(url)).rejects.toThrow('broke off after 70000 of 300000 bytes. It was tried 6 times');
    expect(asked.every(({ range }) => range === undefined)).toBe(true);
  });

  it('is not deceived by a length that is too long: it never counts as whole', async () => {
    const lie = { 'content-length': file.length + 1000, etag: '"a"' };
    const { url } = await serve((response, _nth, { range }) =>
      range === undefined
        ? cut(response, file.length, lie)
        : response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end(),
    );
    await expect(get(url)).rejects.toThrow('It was tried 6 times');
  });

  it('takes no byte more than was announced, and none of a body that is too long', async () => {
    const { url } = await serve((response) => {
      response.writeHead(200, { etag: '"a"' });
      for (let i = 0; i < 5; i += 1) response.write(file);
      response.end();
    });
    await expect(get(url)).rejects.toThrow('at most 1000000 can be taken');
    expect(readFileSync(part().path).length).toBeLessThanOrEqual(1_000_000);
    await expect(get(url, { bytesMax: 1000 })).rejects.toThrow('at most 1000 can be taken');
  });

  it('is refused before a byte is taken when there is no room for it', async () => {
    const { url } = await serve((response) => whole(response));
    const onSize = async (of: number) => {
      throw new Error(`no room for ${of}`);
    };
    await expect(get(url, { onSize })).rejects.toThrow('no room for 300000');
    expect(await part().size()).toBe(0);
  });

  it('tries again after 503 and not after 404; takes no other encoding', async () => {
    const { url } = await serve((response, nth) => {
      if (nth === 1) response.writeHead(503).end();
      else whole(response);
    });
    await get(url);
    expect(got()).toBe(right);
    await part().remove();
    server?.close();
    const gone = await serve((response) => void response.writeHead(404).end('x'));
    await expect(get(gone.url)).rejects.toThrow('answered 404');
    expect(gone.asked).toHaveLength(1);
    server?.close();
    const packed = await serve(
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    );
    await expect(get(packed.url)).rejects.toThrow('another encoding');
  });

  it('follows a redirect on the same server, and none to another, nor for ever', async () => {
    let location = '/there';
    const { url } = await serve((response, nth) => {
      if (nth === 2) whole(response);
      else response.writeHead(302, { location }).end();
    });
    await get(url);
    expect(got()).toBe(right);
    await part().remove();
    for (location of [
      'http://127.0.0.1:1/',
      'https://example.org/',
      'http://localhost/',
      'file:///etc/passwd',
    ])
      await expect(get(url)).rejects.toThrow(
        /redirects to .* is not followed: add that host to models.pull_hosts/,
      );
    location = '/again';
    await expect(get(url)).rejects.toThrow('more than 5 times');
  });

  it.each([
    ['an address of this device', (port: string) => `http://127.0.0.1:${port}/`],
    ['the same, written otherwise', (port: string) => `http://0x7f.1:${port}/`],
    ['the same, in IPv6', (port: string) => `http://[::ffff:127.0.0.1]:${port}/`],
    ['a name that leads there', (port: string) => `http://models.example:${port}/`],
    ['a name that leads there and elsewhere', (port: string) => `http://both.example:${port}/`],
    ['the metadata of a cloud', () => 'http://169.254.169.254/latest/meta-data'],
    ['a private network', () => 'http://192.168.1.1/'],
  ])('from %s is refused unless that address is listed, and nobody is connected to', async (_what, at) => {
    const { url, asked } = await serve((response) => void whole(response));
    const resolve = async (name: string) => [
      ...(name === 'both.example' ? ['93.184.216.34'] : []),
      '127.0.0.1',
    ];
    // That the name is listed says nothing about where its owner lets it lead.
    const hosts = new HostList([`models.example:${new URL(url).port}`]);
    const pulled = get(at(new URL(url).port), { pull: { hosts, resolve, timeoutMs: 60_000 } });
    await expect(pulled).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/not public .* is not listed itself.*models\.pull_hosts/),
    });
    expect(asked).toEqual([]);
  });

  it('resolves a name once for each request, and connects to what it was given', async () => {
    const { url, asked } = await serve((response, nth) => {
      if (nth === 1) response.writeHead(302, { location: '/again' }).end();
      else whole(response);
    });
    const { port } = new URL(url);
    let answers = 0;
    const resolve = async () => {
      answers += 1;
      return ['127.0.0.1'];
    };
    const hosts = new HostList([`127.0.0.1:${port}`]);
    await get(`http://models.example:${port}/`, { pull: { hosts, resolve, timeoutMs: 60_000 } });
    expect([answers, asked.length]).toEqual([2, 2]);
    expect(got()).toBe(right);
  });

  it('follows a redirect to a listed host, whose address must be listed too when it is not public', async () => {
    const { url } = await serve((response, nth) => {
      const { port } = new URL(url);
      if (nth % 2 === 1) response.writeHead(302, { location: `http://files.example:${port}/` }).end();
      else whole(response);
    });
    const { port, host } = new URL(url);
    const resolve = async () => ['127.0.0.1'];
    const pull = (...listed: string[]) => ({ hosts: new HostList(listed), resolve, timeoutMs: 60_000 });
    await get(url, { pull: pull(host, `files.example:${port}`) });
    expect(got()).toBe(right);
    await part().remove();
    const inside = { hosts: new HostList([`files.example:${port}`, host]), timeoutMs: 60_000 };
    const rebound = get(url, { pull: { ...inside, resolve: async () => ['10.0.0.1'] } });
    await expect(rebound).rejects.toThrow('not public (private)');
  });

  it('ends at its time, however it drips, and keeps what came', async () => {
    const { url } = await serve((response) => {
      response.writeHead(200, full);
      let at = 0;
      const drip = setInterval(() => {
        response.write(file.subarray(at, at + 10));
        at += 10;
      }, 10);
      response.on('close', () => clearInterval(drip));
    });
    const pull = { hosts: new HostList([new URL(url).host]), timeoutMs: 400 };
    await expect(get(url, { pull })).rejects.toThrow('longer than 400 ms (models.pull_ms)');
    expect(await part().size()).toBeGreaterThan(0);
    await expect(
      get('http://slow.example/', { pull: { ...pull, resolve: () => new Promise(() => {}) } }),
    ).rejects.toThrow('models.pull_ms');
  });

  it.each(['ftp://a/b', 'file:///etc/passwd', 'http://u:p@a/b', 'x', `http://a/${'b'.repeat(2048)}`])(
    'of %s is refused',
    async (url) => {
      await expect(get(url)).rejects.toThrow('Give an http or https address');
    },
  );

  it('ends when it is told to, and keeps what it has', async () => {
    const { url } = await serve((response) => {
      response.writeHead(200, full);
      response.write(file.subarray(0, 10_000));
    });
    const stop = new AbortController();
    const pulled = get(url, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(pulled).rejects.toThrow('it can go on later');
    expect(await part().size()).toBeGreaterThan(0);
  });
});
