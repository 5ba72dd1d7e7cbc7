import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
/** Below this a compressed form saves nothing worth a header. */
const compressedFromBytes = 512;
const brotliQuality = 9;

type Encoding = 'identity' | 'gzip' | 'br';
type Body = Uint8Array<ArrayBuffer>;

/** A file of the page, in every form in which it is sent. */
export interface WebFile {
  type: string;
  etag: string;
  bodies: Partial<Record<Encoding, Body>> & { identity: Body };
}

/** The built page, read and compressed once: a few hundred kB of memory, and no path of a request is ever a path on the disk. */
export interface WebFiles {
  index: WebFile;
  /** By name, which holds a hash of the content. */
  assets: ReadonlyMap<string, WebFile>;
}

/** Reads what the web build made; undefined when it was not built. */
export async function readWebFiles(folder: string): Promise<WebFiles | undefined> {
  let index: WebFile;
  try {
    index = webFile('index.html', await readFile(join(folder, 'index.html')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const assets = join(folder, 'assets');
  const names = await readdir(assets);
  const files = await Promise.all(
    names.map(async (name) => [name, webFile(name, await readFile(join(assets, name)))] as const),
  );
  return { index, assets: new Map(files) };
}

/** The form that the client takes, best first. */
export function bestBody({ bodies }: WebFile, acceptEncoding: string | undefined): [Encoding, Body] {
  const accepted = new Map(
    (acceptEncoding ?? '').split(',').map((part) => {
      const [name = '', ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      return [name, !parameters.some((parameter) => /^q=0(\.0+)?$/.test(parameter))];
    }),
  );
  for (const encoding of ['br', 'gzip'] as const) {
    const body = bodies[encoding];
    if (body !== undefined && accepted.get(encoding) === true) return [encoding, body];
  }
  return ['identity', bodies.identity];
}

function webFile(name: string, content: Buffer): WebFile {
  const identity = new Uint8Array(content);
  const etag = `"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`;
  const type = types[extname(name)] ?? 'application/octet-stream';
  if (identity.byteLength < compressedFromBytes) return { type, etag, bodies: { identity } };
  const params = { [constants.BROTLI_PARAM_QUALITY]: brotliQuality };
  const bodies = {
    identity,
    gzip: new Uint8Array(gzipSync(identity, { level: 9 })),
    br: new Uint8Array(brotliCompressSync(identity, { params })),
  };
  return { type, etag, bodies };
}
