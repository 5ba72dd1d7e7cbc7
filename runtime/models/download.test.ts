import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DownloadOptions, download } from './download.js';
import { PartFile } from './part-file.js';

const file = randomBytes(300_000);
let folder: string;
let server: http.Server | undefined;
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
    signal: ending.signal,
    onSize: async () => undefined,
    onProgress: () => undefined,
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
  response.write(file.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
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

  it('follows a redirect on the same server, and none to another without https, nor for ever', async () => {
    let location = '/there';
    const { url } = await serve((response, nth) => {
      if (nth === 2) whole(response);
      else response.writeHead(302, { location }).end();
    });
    await get(url);
    expect(got()).toBe(right);
    await part().remove();
    location = 'http://127.0.0.1:1/';
    await expect(get(url)).rejects.toThrow('another host without https');
    location = '/again';
    await expect(get(url)).rejects.toThrow('more than 5 times');
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
