import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import { LedgerFileError } from './ledger-file-error.js';

/** SQLite's result codes and the system's, by what they say of the storage; the first that fits. */
const codes: readonly [RegExp, LedgerTrouble][] = [
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)/, 'disk_full'],
  [/^(SQLITE_CORRUPT|SQLITE_NOTADB|ledger_corrupt)/, 'corrupt'],
  [/^(SQLITE_READONLY|EROFS|EACCES|EPERM)/, 'read_only'],
  [/^(SQLITE_IOERR|SQLITE_CANTOPEN|SQLITE_PROTOCOL|EIO|ENOENT|ENOTDIR|EMFILE|ENFILE|ESTALE)/, 'io_error'],
  [/^(SQLITE_BUSY|SQLITE_LOCKED|ledger_busy)/, 'busy'],
];

/**
 * What an error says of the storage, where another attempt may succeed once somebody has made room or mended it; undefined for anything
 * else, which is a fault of ours and ends the writing for good.
 */
export function troubleOf(error: unknown): LedgerTrouble | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  const found = codes.find(([pattern]) => pattern.test(code))?.[1];
  if (found === undefined && error instanceof LedgerFileError && code === 'ledger_unusable') {
    return troubleOf(error.cause) ?? 'io_error';
  }
  return found;
}

/** What a caller may read of it. */
export const troubleTexts: Readonly<Record<LedgerTrouble, string>> = {
  disk_full: 'the disk is full',
  io_error: 'the disk reports an error',
  read_only: 'the disk cannot be written to',
  corrupt: 'its file is damaged',
  busy: 'another program has locked its file',
};
