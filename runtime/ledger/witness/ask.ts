import { AppError } from '../../contracts/errors.js';
import type { TransparencyLog } from '../../contracts/ledger.js';
import { openNote } from '../tlog/note.js';
import { NoteError } from '../tlog/note-error.js';
import type { NoteVerifier } from '../tlog/note-key.js';
import { formatAddCheckpoint, messageBytesMax, parseSize } from './request.js';

/** The checkpoint for which a cosignature is asked. */
export interface Asked {
  note: string;
  size: number;
}

/** What the witness is believed to have cosigned last. */
export interface Believed {
  size: number;
  /** Leaf hashes of the bundle that it lies in, where they are kept. */
  bundle?: Uint8Array | undefined;
}

export interface AskOptions {
  /** Up to before `/add-checkpoint`. */
  url: string;
  witness: NoteVerifier;
  log: Pick<TransparencyLog, 'consistency'>;
  /** Stands in the Via header, so that an appliance knows its own request. */
  viaToken: string;
  /** From the first byte sent to the last one read. */
  timeoutMs: number;
  closing: AbortSignal;
}

/** Why a witness gave no cosignature; the message is for the status. */
export class AskError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AskError';
  }
}

/**
 * Asks one witness to cosign; when it knows another size than we believed, once more from there. Bounded in time and bytes, and nothing
 * that it answers is believed but a cosignature that holds.
 * @returns The signature lines of the witness.
 * @throws AskError
 */
export async function askWitness(asked: Asked, believed: Believed, options: AskOptions): Promise<string[]> {
  const first = await ask(asked, believed, options);
  if (!('conflict' in first)) return first.lines;
  if (first.conflict > asked.size) {
    throw new AskError(
      `it has cosigned ${first.conflict} events of this log, which has signed ${asked.size}: this is an older copy of the log, or the witness is wrong`,
    );
  }
  if (first.conflict === believed.size) {
    throw new AskError(`it refuses this tree of ${asked.size} events: it has cosigned another one`);
  }
  const second = await ask(asked, { size: first.conflict }, options);
  if (!('conflict' in second)) return second.lines;
  throw new AskError(`it names the size ${first.conflict}, and then ${second.conflict}`);
}

async function ask(
  { note, size }: Asked,
  { size: oldSize, bundle }: Believed,
  options: AskOptions,
): Promise<{ lines: string[] } | { conflict: number }> {
  const proof = await proofFrom(oldSize, size, bundle, options);
  const { status, text } = await post(formatAddCheckpoint({ oldSize, proof, note }), options);
  if (status === 409) {
    const conflict = parseSize(/^(\d+)\n$/.exec(text)?.[1]);
    if (conflict === undefined) throw new AskError('it answers 409 without its size');
    return { conflict };
  }
  if (status !== 200) throw new AskError(`it answers with status ${status}`);
  try {
    return { lines: openNote(note + text, [options.witness]).lines };
  } catch (error) {
    if (error instanceof NoteError) throw new AskError(`its answer does not hold: ${error.message}`);
    throw error;
  }
}

async function proofFrom(
  from: number,
  to: number,
  bundle: Uint8Array | undefined,
  { log }: AskOptions,
): Promise<Buffer[]> {
  if (from === 0 || from === to) return [];
  try {
    const { hashes } = await log.consistency({ from, to, bundle });
    return hashes.map((hash) => Buffer.from(hash, 'hex'));
  } catch (error) {
    if (!(error instanceof AppError) && !(error instanceof RangeError)) throw error;
    throw new AskError(`it cannot be shown that the log grew from size ${from}: ${error.message}`, {
      cause: error,
    });
  }
}

async function post(
  body: string,
  { url, viaToken, timeoutMs, closing }: AskOptions,
): Promise<{ status: number; text: string }> {
  // A timer of its own: Node 20 may collect AbortSignal.timeout where only AbortSignal.any knows it, and then it never fires.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const signal = AbortSignal.any([late.signal, closing]);
  try {
    const response = await fetch(`${url}/add-checkpoint`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8', via: `1.1 ${viaToken}` },
      body,
      redirect: 'error',
      signal,
    });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      // Leaving the loop closes the connection.
      if (bytes > messageBytesMax) throw new AskError(`it answers with more than ${messageBytesMax} bytes`);
      chunks.push(chunk);
    }
    return { status: response.status, text: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    if (error instanceof AskError) throw error;
    if (late.signal.aborted && !closing.aborted) throw new AskError(`no whole answer within ${timeoutMs} ms`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new AskError(`it cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
