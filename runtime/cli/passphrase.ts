import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { passphraseCharsMin } from '../backup/sealed.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';

const variable = 'BACKUP_PASSPHRASE';

/** The passphrase from a file's first line, the environment, or a person at the terminal. */
export async function readPassphrase(file: string | undefined, io: CliIo): Promise<string> {
  const given = file === undefined ? io.env[variable] : firstLine(file);
  const passphrase = given ?? (await ask(io));
  if (passphrase.length < passphraseCharsMin) {
    throw new CliFailure(`The passphrase has at least ${passphraseCharsMin} characters.`, exitCodes.usage);
  }
  return passphrase;
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw new CliFailure(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

/** Asks without showing what is typed. */
function ask(io: CliIo): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new CliFailure(`No passphrase: give --passphrase-file, or set ${variable}.`, exitCodes.usage);
  }
  io.err('Passphrase: ');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      io.err('\n');
      resolve(line);
      lines.close();
    });
    lines.once('close', () => reject(new CliFailure('No passphrase.', exitCodes.usage)));
  });
}
