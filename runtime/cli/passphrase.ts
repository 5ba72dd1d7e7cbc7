import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { passphraseCharsMin } from '../backup/sealed.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';

interface Wanted {
  /** What a person is asked for. */
  what: string;
  /** The flag that names a file, and the variable. */
  flag: string;
  variable: string;
}

/** The passphrase from a file's first line, the environment, or a person at the terminal. */
export async function readPassphrase(file: string | undefined, io: CliIo): Promise<string> {
  const wanted = { what: 'Passphrase', flag: '--passphrase-file', variable: 'BACKUP_PASSPHRASE' };
  const passphrase = await readSecret(wanted, file, io);
  if (passphrase.length < passphraseCharsMin) {
    throw new CliFailure(`The passphrase has at least ${passphraseCharsMin} characters.`, exitCodes.usage);
  }
  return passphrase;
}

/** A secret from a file's first line, the environment, or a person at the terminal. */
export async function readSecret(wanted: Wanted, file: string | undefined, io: CliIo): Promise<string> {
  return (file === undefined ? io.env[wanted.variable] : firstLine(file)) ?? ask(wanted, io);
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
function ask({ what, flag, variable }: Wanted, io: CliIo): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new CliFailure(`No ${what.toLowerCase()}: give ${flag}, or set ${variable}.`, exitCodes.usage);
  }
  io.err(`${what}: `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      io.err('\n');
      resolve(line);
      lines.close();
    });
    lines.once('close', () => reject(new CliFailure(`No ${what.toLowerCase()}.`, exitCodes.usage)));
  });
}
