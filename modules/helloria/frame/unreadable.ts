import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../../runtime/contracts/errors.js';
import { failureAnswer, problemBody } from '../../../runtime/contracts/failure.js';

/** The error of a request that could not be read far enough to look for a route. */
function errorOf(cause: unknown): AppError {
  const code = (cause as { code?: string }).code;
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new AppError('headers_too_large', 'Send fewer or shorter headers; see http.header_limit_bytes.', {
      cause,
    });
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new AppError(
      'request_timeout',
      'The request did not arrive in time; see http.headers_timeout_ms and http.body_timeout_ms.',
      { cause },
    );
  }
  const message =
    'This is not a request that HTTP/1.1 allows: check its first line, Host, lengths and encoding.';
  return new AppError('invalid_request', message, { cause });
}

/** For what Node could read and the adaptor could not: a bad or missing Host, a bad path. */
export function answerUnreadable(cause: unknown, requestId: string): Response {
  const { text, status, headers } = failureAnswer(errorOf(cause), 'problem', requestId);
  return new Response(text, {
    status,
    headers: { ...headers, connection: 'close', 'x-request-id': requestId },
  });
}

/**
 * For what Node could not read: garbage, two lengths, headers too large or too late. Says so in our form unless an answer is already
 * on its way, and closes the connection. A fault below HTTP (a broken connection, a failed TLS handshake) is only closed.
 */
export function answerClientError(cause: Error, socket: Socket, requestId: string): void {
  const code = String((cause as NodeJS.ErrnoException).code);
  const inFlight = (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true;
  if (!socket.writable || inFlight || !/^(HPE_|ERR_HTTP_)/.test(code)) {
    socket.destroy();
    return;
  }
  const error = errorOf(cause);
  const body = JSON.stringify(problemBody(error, requestId));
  socket.write(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
      `X-Request-Id: ${requestId}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
}
