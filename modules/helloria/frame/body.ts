import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../runtime/contracts/errors.js';

/** Whether a Content-Type header says JSON in UTF-8. */
export function isJsonType(header: string | undefined): boolean {
  if (header === undefined) return false;
  if (header === 'application/json') return true;
  const [type, ...parameters] = header.toLowerCase().split(';');
  return (
    type!.trim() === 'application/json' &&
    parameters.every((parameter) => /^\s*(charset="?utf-8"?)?\s*$/.test(parameter))
  );
}

/**
 * A client that is still sending when the connection closes does not see why. So of a body that is too large, this much more is read
 * and dropped before it is refused; http.body_timeout_ms bounds the wait.
 */
const DROPPED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Reads a request body of at most `limitBytes`.
 * @throws AppError `payload_too_large`; no more than the limit is ever held.
 */
export function readBody(incoming: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    new AppError(
      'payload_too_large',
      `The body is larger than ${limitBytes} bytes; send less, or raise http.body_limit_bytes.`,
    );
  const droppedAt = limitBytes + DROPPED_BYTES_MAX;
  const declared = Number(incoming.headers['content-length'] ?? 0);
  if (declared > droppedAt) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      if (size <= droppedAt) return;
      incoming.pause();
      reject(tooLarge());
    });
    incoming.on('end', () => {
      if (Math.max(size, declared) > limitBytes) reject(tooLarge());
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    incoming.on('error', (cause) =>
      reject(
        new AppError('invalid_request', 'The connection broke before the body was complete.', { cause }),
      ),
    );
    incoming.on('close', () => {
      if (!incoming.readableEnded) {
        reject(new AppError('invalid_request', 'The connection closed before the body was complete.'));
      }
    });
  });
}

/**
 * Text from bytes.
 * @throws AppError `invalid_request` for bytes that are not UTF-8.
 */
export function parseText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new AppError('invalid_request', 'The body is not valid UTF-8.');
  return bytes.toString('utf8');
}

/** Deepest nesting of arrays and objects in JSON text, without parsing it. */
function nesting(bytes: Buffer): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (inString) {
      if (byte === 0x5c) i += 1;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return deepest;
}

/**
 * JSON from bytes.
 * @throws AppError `invalid_json` for bytes that are not UTF-8, not JSON, or nested deeper than `depthMax`.
 */
export function parseJson(bytes: Buffer, depthMax: number): unknown {
  if (bytes.length === 0) throw new AppError('invalid_json', 'The body is empty; send a JSON object.');
  if (!isUtf8(bytes)) throw new AppError('invalid_json', 'The body is not valid UTF-8.');
  if (bytes.length > depthMax && nesting(bytes) > depthMax) {
    throw new AppError(
      'invalid_json',
      `The body is nested deeper than ${depthMax} levels (http.json_depth_max).`,
    );
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new AppError(
      'invalid_json',
      'The body is not valid JSON. Numbers such as NaN and Infinity do not exist in JSON.',
      { cause },
    );
  }
}
