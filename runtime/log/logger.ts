import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { Config } from '../config/schema.js';

/** Fields that hold secrets or what people typed, whatever object carries them, down to two levels. */
const privateFields = [
  'authorization',
  'key',
  'api_key',
  'code',
  'secret',
  'prompt',
  'message',
  'messages',
  'content',
  'text',
  'texts',
  'answer',
  'context',
  'body',
];

const redacted = privateFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/**
 * The log: JSON lines on standard error, with secrets and what people typed left out. `err` keeps type, message and stack of our own
 * errors; nothing that an engine or a client wrote is put into an error's message.
 */
export function createLogger(options: Config['log'], to?: DestinationStream): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // An error's own message and code are ours; they stand under `err` by a serializer of their own, beyond the redaction.
      serializers: { err: describeError },
      redact: { paths: redacted, censor: '[redacted]' },
    },
    to ?? destination({ fd: 2, sync: false, minLength: 0 }),
  );
}

function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    what: error.message,
    ...(typeof code === 'string' ? { error_code: code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}
