import { request as httpRequest } from 'node:http';
import { AppError, type ErrorCode, errorCodes } from '../contracts/errors.js';
import { printable } from '../contracts/text.js';

/** What a problem document of ours says. */
interface Problem {
  code?: unknown;
  detail?: unknown;
}

/** An answer that is not ours or not good, in words for a person. */
export function problemText(status: number, body: string): string {
  try {
    const { code, detail } = JSON.parse(body) as Problem;
    if (typeof code === 'string' && typeof detail === 'string')
      return printable(`${code} (${status}): ${detail}`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return `the server answered ${status} and not in our form; is it Arkalia-LUNA?`;
}

/** Posts JSON to the running server. @throws Error saying how to start one when nobody answers. */
export async function postJson(
  url: string,
  path: string,
  body: unknown,
  options: { key?: string | undefined; signal?: AbortSignal },
): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (options.key !== undefined) headers.authorization = `Bearer ${options.key}`;
  try {
    return await fetch(new URL(path, url), {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: options.signal ?? null,
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new Error(
      `no server answers at ${url}. Start one with "npm start" or "arkalia serve", or name it with --url.`,
      { cause },
    );
  }
}

/** Null when no server listens on the socket. */
export function overSocket(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string } | null> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      host: 'localhost',
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const request = httpRequest({ socketPath, method, path, headers, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('the running server did not answer within 10 s')));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null);
      else reject(error);
    });
    request.end(payload);
  });
}

/** The error that a problem document stands for. */
export function problemError(status: number, text: string): Error {
  try {
    const { code, detail } = JSON.parse(text) as Problem;
    if (typeof code === 'string' && Object.hasOwn(errorCodes, code))
      return new AppError(code as ErrorCode, printable(String(detail)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new Error(problemText(status, text));
}
