import { readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../contracts/errors.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { HostList } from '../outgoing/hosts.js';
import { fetchHead, type PullRules } from './fetch-head.js';
import type { PartFile } from './part-file.js';

export interface PullLimits extends PullRules {
  /** All of it: tries, redirects, waits, body. */
  timeoutMs: number;
}

/** What the configuration says of them. */
export const pullLimits = (config: { pull_hosts: string[]; pull_ms: number }): PullLimits => ({
  hosts: new HostList(config.pull_hosts),
  timeoutMs: config.pull_ms,
});

export interface DownloadOptions {
  url: string;
  pull: PullLimits;
  part: PartFile;
  /** File beside the part that says what it is a part of. */
  notes: string;
  bytesMax: number;
  viaToken: string;
  signal: AbortSignal;
  /** Told the whole size once it is known; throws when there is no room for it. */
  onSize: (of: number) => Promise<void>;
  onProgress: (bytes: number, of: number | null) => void;
  /** For tests: the first wait before another try. */
  waitMs?: number;
}

const triesMax = 6;
const waitFirstMs = 500;
const waitMaxMs = 15_000;

const notesShape = z.strictObject({ url: z.string(), etag: z.string(), of: z.number().int().min(0) });
type Notes = z.infer<typeof notesShape>;

/** Something that another try may mend. */
class Broken extends Error {}

/**
 * The same as `fetchFile`, ended when it takes too long; what came by then stays for another time.
 * @throws AppError as that does, and `conflict` when it took too long.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { signal, pull } = options;
  const ending = new AbortController();
  const end = () => ending.abort();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, pull.timeoutMs);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  try {
    await fetchFile({ ...options, signal: ending.signal });
  } catch (error) {
    if (!isLate) throw error;
    throw new AppError(
      'conflict',
      `The download took longer than ${pull.timeoutMs} ms (models.pull_ms); asked for again, it goes on where the server lets it.`,
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/**
 * Fetches a file, on from where an earlier attempt ended where the server says by a strong ETag that it is still the same file (RFC 9110,
 * If-Range). Tries again after a break, up to six times without a byte more.
 * @throws AppError `conflict` with what the server did, or AbortError's when the signal ended it.
 */
async function fetchFile(options: DownloadOptions): Promise<void> {
  const { part, signal, waitMs = waitFirstMs } = options;
  let furthest = await part.size();
  for (let tries = 1; ; tries += 1) {
    try {
      await attempt(options);
      return;
    } catch (error) {
      if (signal.aborted) throw new AppError('conflict', 'The download was ended; it can go on later.');
      if (!(error instanceof Broken)) throw error;
      const size = await part.size();
      if (size > furthest) tries = 0;
      furthest = Math.max(furthest, size);
      if (tries >= triesMax)
        throw new AppError('conflict', `${error.message} It was tried ${triesMax} times; try again later.`);
      await sleep(Math.min(waitMs * 2 ** tries, waitMaxMs), undefined, { signal }).catch(() => undefined);
    }
  }
}

async function attempt(options: DownloadOptions): Promise<void> {
  const { url, pull, part, notes, viaToken, signal } = options;
  const before = await readNotes(notes);
  const there = await part.size();
  const goesOn = before?.url === url && there > 0 && there <= before.of;
  if (goesOn && there === before.of) return;
  const range: Record<string, string> = goesOn ? { range: `bytes=${there}-`, 'if-range': before.etag } : {};
  const message = await head({ ...pull, url, viaToken, signal, headers: range });
  try {
    const start = startOf(message, goesOn ? { at: there, ...before } : undefined);
    if (start === 'anew') {
      await rm(notes, { force: true });
      await part.remove();
      throw new Broken('The server has another file now than when the download began.');
    }
    await take(message, start, options);
  } finally {
    message.destroy();
  }
}

async function head(request: Parameters<typeof fetchHead>[0]): Promise<IncomingMessage> {
  try {
    return await fetchHead(request);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
    throw new Broken(`The server cannot be reached (${code}).`, { cause: error });
  }
}

interface Start {
  at: number;
  of: number | null;
  etag: string | undefined;
}

/** Where the body begins and how long the whole is; `anew` when it is no part of what is here. */
function startOf(message: IncomingMessage, had: (Notes & { at: number }) | undefined): Start | 'anew' {
  const { statusCode: status = 0, headers } = message;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new AppError('conflict', 'The server sends it in another encoding than asked for.');
  // A weak ETag says that two files mean the same, not that they are the same bytes.
  const etag =
    headers.etag !== undefined && /^"[\x21\x23-\x7e]*"$/.test(headers.etag) ? headers.etag : undefined;
  if (status === 200) {
    const of = headers['content-length'] === undefined ? null : Number(headers['content-length']);
    return { at: 0, of, etag };
  }
  if (status === 206 && had !== undefined) {
    const [, first, , of] =
      /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? [];
    const isSame = Number(first) === had.at && Number(of) === had.of && (etag ?? had.etag) === had.etag;
    return isSame ? { at: had.at, of: had.of, etag: had.etag } : 'anew';
  }
  if (status === 416 && had !== undefined) return 'anew';
  if (status >= 500 || status === 408 || status === 429) throw new Broken(`The server answered ${status}.`);
  throw new AppError('conflict', `The server answered ${status} instead of the file.`);
}

async function take(
  message: IncomingMessage,
  { at, of, etag }: Start,
  options: DownloadOptions,
): Promise<void> {
  const { url, part, notes, bytesMax, onSize, onProgress } = options;
  if ((of ?? 0) > bytesMax) throw tooLong(of ?? 0, bytesMax);
  if (of !== null) await onSize(of - at);
  if (at === 0) {
    await rm(notes, { force: true });
    // The part is empty before the notes speak of it.
    await (await part.open('start')).close();
    if (etag !== undefined && of !== null) await writeFileAtomic(notes, JSON.stringify({ url, etag, of }));
  }
  const file = await part.open('end');
  let bytes = at;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      if (bytes + chunk.length > (of ?? bytesMax)) throw tooLong(bytes + chunk.length, of ?? bytesMax);
      await file.write(chunk, 0, chunk.length, bytes);
      bytes += chunk.length;
      onProgress(bytes, of);
    }
  } catch (error) {
    if (error instanceof AppError || (error as NodeJS.ErrnoException).syscall === 'write') throw error;
    throw new Broken(`The server broke off after ${bytes} of ${of ?? 'unknown'} bytes.`, { cause: error });
  } finally {
    await file.close();
  }
  if (of !== null && bytes < of) throw new Broken(`The server ended after ${bytes} of ${of} bytes.`);
}

function tooLong(bytes: number, bytesMax: number): AppError {
  return new AppError(
    'conflict',
    `The file has ${bytes} bytes or more, and at most ${bytesMax} can be taken: engines.embedded.memory_bytes, the memory of this device, or what the server announced.`,
  );
}

/** What a part is a part of; undefined when nobody knows, so that it cannot be gone on with. */
async function readNotes(path: string): Promise<Notes | undefined> {
  try {
    return notesShape.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const isOurs = error instanceof z.ZodError || error instanceof SyntaxError;
    if (isOurs || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
