import { ConfigError } from '../config/error.js';
import { printable } from '../contracts/text.js';
import { type CliIo, exitCodes } from './io.js';

/** A verb cannot do what it was asked. The message says why and what to do. */
export class CliFailure extends Error {
  readonly code = 'cli_failure';

  constructor(
    message: string,
    readonly exitCode: number = exitCodes.failed,
  ) {
    super(message);
    this.name = 'CliFailure';
  }
}

/** Tells a person about any error and returns the exit code. The stack is shown only for what we did not foresee. */
export function reportFailure(error: unknown, io: CliIo): number {
  if (error instanceof CliFailure) {
    io.err(`${printable(error.message, { lines: true })}\n`);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    io.err(`${error.message}\nSee every key with: arkalia config --keys\n`);
    return exitCodes.usage;
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  io.err(`${printable(message, { lines: true })}\n`);
  if (isMissingBinding(message)) io.err('A native module does not load; "arkalia doctor" names the cure.\n');
  else if (!isForeseen(error)) io.err(`${printable(stack ?? '', { lines: true })}\n`);
  return exitCodes.failed;
}

/** Whether a message is one that Node or `bindings` gives for a native module that was not built, or for another Node. */
export function isMissingBinding(message: string): boolean {
  return /bindings file|NODE_MODULE_VERSION|\.node['"]?:? |invalid ELF header|wrong ELF class/i.test(message);
}

/** Our own errors have a code or are plain Errors with a sentence; a TypeError or a failed assertion is a fault. */
function isForeseen(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return code === undefined ? error.constructor === Error : code !== 'ERR_ASSERTION';
}
