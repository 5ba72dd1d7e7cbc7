import type DatabaseConstructor from 'better-sqlite3';
import { sqlitePackage } from './sqlite-package.js';

const loaded = (await import(sqlitePackage)) as { default: typeof DatabaseConstructor };

/** A connection to a SQLite file: `new Database(file, options)`, of the version of better-sqlite3 that fits this Node. */
export const Database = loaded.default;
