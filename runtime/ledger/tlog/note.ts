import { strictBase64 } from './base64.js';
import { NoteError } from './note-error.js';
import type { NoteSigner, NoteVerifier } from './note-key.js';

/** C2SP asks for 16 at least. */
const signaturesMax = 100;
const noteCharsMax = 1_000_000;

/** A note whose signatures were looked at. */
export interface OpenedNote {
  /** With its final newline, without the blank line that ends it. */
  text: string;
  /** Names of the known keys that signed it; at least one. */
  signedBy: string[];
}

/**
 * Text and signatures in the form of C2SP signed-note.
 * @param text Ends with a newline; no control characters but newlines.
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!text.endsWith('\n') || hasControls(text)) {
    throw new NoteError(
      'note_malformed',
      'the text of a note ends with a newline and has no other control character',
    );
  }
  return `${text}\n${signers.map((signer) => `${signer.sign(text)}\n`).join('')}`;
}

/**
 * Checks the signatures of a note. Signatures of keys that nobody here knows are passed over, as C2SP signed-note asks, so that witnesses
 * may sign too.
 * @throws NoteError `note_malformed`, `note_forged` when a known key's signature does not hold, `note_unsigned` when no known key signed.
 */
export function openNote(note: string, verifiers: readonly NoteVerifier[]): OpenedNote {
  if (note.length > noteCharsMax || /\p{Cs}/u.test(note) || hasControls(note)) {
    throw new NoteError('note_malformed', 'not a signed note: control characters, or too long');
  }
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n') || split === note.length - 2) {
    throw new NoteError('note_malformed', 'not a signed note: no blank line with signatures below');
  }
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > signaturesMax) {
    throw new NoteError('note_malformed', `a note has at most ${signaturesMax} signatures`);
  }
  const signedBy = new Set<string>();
  for (const line of lines) {
    const { name, keyId, signature } = parseSignature(line);
    const verifier = verifiers.find((known) => known.name === name && known.keyId === keyId);
    if (verifier === undefined) continue;
    if (!verifier.verify(text, signature)) {
      throw new NoteError('note_forged', `the signature of ${name} does not hold`);
    }
    signedBy.add(name);
  }
  if (signedBy.size === 0) {
    const wanted = verifiers.map(({ name }) => name).join(', ');
    throw new NoteError(
      'note_unsigned',
      `the note is not signed by ${wanted === '' ? 'any known key' : wanted}`,
    );
  }
  return { text, signedBy: [...signedBy] };
}

function parseSignature(line: string): { name: string; keyId: number; signature: Buffer } {
  const match = /^— ([^\s\p{Z}+]+) (\S+)$/u.exec(line);
  const bytes = match === null ? undefined : strictBase64(match[2]!);
  if (match === null || bytes === undefined || bytes.byteLength < 5) {
    throw new NoteError('note_malformed', 'not a signed note: a signature line is "— name base64"');
  }
  return { name: match[1]!, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) };
}

function hasControls(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return /[\x00-\x09\x0b-\x1f]/.test(text);
}
