import { request } from 'node:http';
import { controlSocketPath } from '../data-folder/control-socket.js';
import { CliFailure } from './failure.js';
import { parseJson, problemFailure } from './server-request.js';

export interface ControlCall {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: unknown;
  /** Sent as they are, instead of a body. */
  bytes?: Uint8Array;
}

export type ControlReply = { server: 'none' } | { server: 'running'; value: unknown };

const replyCharsMax = 4_194_304;
const timeoutMs = 30_000;

/**
 * Asks the server that runs on the data folder, over the socket in it: whoever may open it is an administrator.
 * @throws CliFailure for a problem that the server answers with, or a socket that this user may not open.
 */
export async function control(dataDir: string, call: ControlCall): Promise<ControlReply> {
  const socketPath = controlSocketPath(dataDir);
  let answer: { status: number; text: string };
  try {
    answer = await send(socketPath, call);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A socket that nobody listens on is what a killed server leaves.
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return { server: 'none' };
    if (code === 'EACCES') {
      throw new CliFailure(
        `${socketPath} belongs to another user. Run this as the user who runs the server.`,
      );
    }
    throw error;
  }
  const value = parseJson(answer.text);
  if (answer.status >= 200 && answer.status < 300) return { server: 'running', value };
  throw problemFailure(value, answer.status);
}

function send(
  socketPath: string,
  { method, path, body, bytes }: ControlCall,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = { host: 'localhost', connection: 'close' };
    if (text !== undefined) headers['content-type'] = 'application/json';
    if (bytes !== undefined) {
      headers['content-type'] = 'application/octet-stream';
      headers['content-length'] = `${bytes.length}`;
    }
    const call = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let received = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        received += chunk;
        if (received.length > replyCharsMax) response.destroy(new Error('the reply is too long'));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: received }));
    });
    call.setTimeout(timeoutMs, () => call.destroy(new CliFailure('The server did not answer within 30 s.')));
    call.on('error', reject);
    call.end(bytes ?? text);
  });
}
