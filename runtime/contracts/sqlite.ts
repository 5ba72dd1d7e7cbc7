import type DatabaseConstructor from 'better-sqlite3';
import { sqlitePackage } from './sqlite-package.js';

const loaded = (await import(sqlitePackage)) as { default: typeof DatabaseConstructor };

/** A connection to a SQLite file: `new Database(file, options)`, of the version of better-sqlite3 that fits this Node. */
export const Database = loaded.default;

/** Whether SQLite itself says so: not what a missing or foreign native module throws. */
export function isSqliteError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_');
}
