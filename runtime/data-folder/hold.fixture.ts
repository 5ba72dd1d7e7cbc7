import { writeSync } from 'node:fs';
import { systemClock } from '../contracts/clock.js';
import { openDataFolder } from './data-folder.js';
import { DataFolderError } from './data-folder-error.js';

/** Takes the folder and holds it until killed; prints `held`, or the code and message of the refusal. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: hold.fixture.js FOLDER');

try {
  await openDataFolder(path, { address: 'http://127.0.0.1:8123', version: '1.2.3', clock: systemClock });
  writeSync(1, 'held\n');
  setInterval(() => undefined, 1000);
} catch (error) {
  if (!(error instanceof DataFolderError)) throw error;
  writeSync(1, `${error.code} ${error.message}\n`);
  process.exitCode = 1;
}
