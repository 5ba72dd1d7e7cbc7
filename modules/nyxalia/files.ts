import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
/** What the web build puts behind the name of a file for its compressed forms. */
const endings = { gzip: '.gz', br: '.br' } as const;

type Encoding = 'identity' | 'gzip' | 'br';
type Body = Uint8Array<ArrayBuffer>;

/** A file of the page, in every form in which it is sent. */
export interface WebFile {
  type: string;
  etag: string;
  bodies: Partial<Record<Encoding, Body>> & { identity: Body };
}

/** The built page, read once: a few hundred kB of memory, and no path of a request is ever a path on the disk. */
export interface WebFiles {
  index: WebFile;
  /** By name, which holds a hash of the content. */
  assets: ReadonlyMap<string, WebFile>;
}

/** Reads what the web build made; undefined when it was not built. */
export async function readWebFiles(folder: string): Promise<WebFiles | undefined> {
  const index = await readWebFile(folder, 'index.html');
  if (index === undefined) return undefined;
  const assets = join(folder, 'assets');
  const isForm = (name: string) => Object.values(endings).some((ending) => name.endsWith(ending));
  const names = (await readdir(assets)).filter((name) => !isForm(name));
  const files = await Promise.all(
    names.map(async (name) => [name, await readWebFile(assets, name)] as const),
  );
  return { index, assets: new Map(files.filter((file): file is [string, WebFile] => file[1] !== undefined)) };
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

/** A file in each form that is there; undefined when it is not. */
async function readWebFile(folder: string, name: string): Promise<WebFile | undefined> {
  const path = join(folder, name);
  const [identity, gzip, br] = await Promise.all(
    [path, path + endings.gzip, path + endings.br].map(readIfThere),
  );
  if (identity === undefined) return undefined;
  const bodies: WebFile['bodies'] = { identity };
  if (gzip !== undefined) bodies.gzip = gzip;
  if (br !== undefined) bodies.br = br;
  const etag = `"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`;
  return { type: types[extname(name)] ?? 'application/octet-stream', etag, bodies };
}

async function readIfThere(path: string): Promise<Body | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
