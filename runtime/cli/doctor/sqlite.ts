import type DatabaseConstructor from 'better-sqlite3';
import { sqlitePackage } from '../../contracts/sqlite-package.js';
import { printable } from '../../contracts/text.js';
import { isMissingBinding } from '../failure.js';
import type { Check, DoctorContext, Finding } from './finding.js';

/** Whether better-sqlite3 really loads, opens a database and has full-text search. */
export const sqliteCheck: Check = {
  name: 'better-sqlite3',
  run: async (context) => [await tryDatabase(context)],
};

async function tryDatabase({ load }: DoctorContext): Promise<Finding> {
  try {
    const { default: Database } = (await load(sqlitePackage)) as { default: typeof DatabaseConstructor };
    const db = new Database(':memory:');
    try {
      db.exec('CREATE VIRTUAL TABLE words USING fts5(word)');
      const version = db.prepare('SELECT sqlite_version()').pluck().get();
      return { check: 'better-sqlite3', level: 'ok', found: `SQLite ${String(version)} with FTS5` };
    } finally {
      db.close();
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const found = `does not load: ${printable(message.split('\n')[0] ?? '')}`;
    return { check: 'better-sqlite3', level: 'fatal', found, todo: cure(message) };
  }
}

function cure(message: string): string {
  if (/NODE_MODULE_VERSION/.test(message)) {
    return `It was built for another Node. Run: npm rebuild ${sqlitePackage}`;
  }
  if (isMissingBinding(message)) {
    return `Its native part is missing. npm 12 runs install scripts only of packages in "allowScripts" of package.json, which must name better-sqlite3; then run: npm rebuild ${sqlitePackage} (needs python3, make and a C++ compiler where there is no prebuilt one)`;
  }
  return 'Run: npm ci';
}
