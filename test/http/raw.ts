import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface RawRequest {
  method?: string;
  path?: string;
  /** Any header, also those that fetch forbids: Host, Origin, Connection. */
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** The control socket instead of the port. */
  socketPath?: string;
}

/** One request as a program or a browser could send it, on a connection of its own. */
export function send(url: string, options: RawRequest = {}): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const { method = 'GET', path = '/', headers = {}, body, socketPath } = options;
  const where = socketPath === undefined ? { hostname, port } : { socketPath };
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...where, method, path, headers, agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (piece: string) => {
        text += piece;
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
      );
      incoming.on('error', reject);
    });
    // A server may answer and close before it has read the whole body; then the answer counts.
    outgoing.on('error', (error) => setImmediate(() => reject(error)));
    outgoing.end(body);
  });
}

/** JSON posted by a program. */
export function sendJson(
  url: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return send(url, {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  });
}

/**
 * Writes bytes on a bare connection and resolves with everything that came back until the server closed it. With `end`, our side ends
 * after the bytes, as when a client breaks off.
 */
export function sendBytes(
  url: string,
  bytes: string | Buffer,
  options: { end?: boolean } = {},
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () =>
      options.end === true ? socket.end(bytes) : socket.write(bytes),
    );
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    // A reset after the answer is the server's right when it has refused what is still being sent.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(text));
  });
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  request_id: string;
  retry_after_ms?: number;
  param?: string | null;
  errors?: { path: string; message: string }[];
  [more: string]: unknown;
}

/** The problem document of an answer. @throws Error when the answer is none. */
export function problemOf(answer: { status: number; headers: IncomingHttpHeaders; text: string }): Problem {
  const type = answer.headers['content-type'];
  if (type !== 'application/problem+json')
    throw new Error(`${answer.status} ${type} is no problem document: ${answer.text.slice(0, 300)}`);
  const problem = JSON.parse(answer.text) as Problem;
  const whole =
    problem.status === answer.status &&
    problem.type === `/docs#error-${problem.code}` &&
    [problem.title, problem.code, problem.detail, problem.request_id].every(
      (part) => typeof part === 'string' && part !== '',
    );
  if (!whole) throw new Error(`not a whole problem document: ${answer.text.slice(0, 300)}`);
  return problem;
}

export interface OpenAIError {
  message: string;
  type: string;
  param: string | null;
  code: string;
}

export interface OllamaError {
  error: string;
  code: string;
  param: string | null;
}

/** The error in Ollama's form. @throws Error when the answer is none. */
export function ollamaErrorOf(answer: RawAnswer): OllamaError {
  const value = JSON.parse(answer.text) as Partial<OllamaError>;
  const { error, code, param } = value;
  const type = answer.headers['content-type'];
  if (
    type !== 'application/json' ||
    typeof error !== 'string' ||
    typeof code !== 'string' ||
    param === undefined
  )
    throw new Error(`${answer.status} is not in Ollama's form: ${answer.text.slice(0, 300)}`);
  return { error, code, param };
}

/** The error in OpenAI's envelope. @throws Error when the answer is none. */
export function openaiErrorOf(answer: RawAnswer): OpenAIError {
  const { error } = JSON.parse(answer.text) as { error?: OpenAIError };
  if (
    answer.headers['content-type'] !== 'application/json' ||
    typeof error?.message !== 'string' ||
    typeof error.type !== 'string' ||
    typeof error.code !== 'string' ||
    !('param' in error)
  )
    throw new Error(`${answer.status} is not in OpenAI's envelope: ${answer.text.slice(0, 300)}`);
  return error;
}
