import type { LedgerFileErrorCode } from './protocol.js';

/** The ledger's file cannot be used. The message says what was found and what to do; nothing was deleted or changed. */
export class LedgerFileError extends Error {
  readonly code: LedgerFileErrorCode;

  constructor(code: LedgerFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LedgerFileError';
    this.code = code;
  }
}
