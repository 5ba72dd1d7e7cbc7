import { hashBytes } from '../merkle/node-hash.js';
import { strictBase64 } from './base64.js';
import { NoteError } from './note-error.js';

/** The head of a log, as C2SP tlog-checkpoint writes it. */
export interface Checkpoint {
  origin: string;
  /** Number of entries. */
  size: number;
  root: Uint8Array;
}

/** The text that is signed. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
}

/**
 * Reads the text of an opened note. Extension lines are passed over.
 * @throws NoteError `checkpoint_malformed`.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', count = '', encoded = '', ...rest] = text.split('\n');
  const end = rest.pop();
  const root = strictBase64(encoded);
  const size = Number(count);
  if (origin === '' || end !== '' || rest.includes('') || !/^(0|[1-9]\d*)$/.test(count)) {
    throw malformed('its lines are origin, size and root hash');
  }
  if (!Number.isSafeInteger(size)) throw malformed(`the size ${count} is too large`);
  if (root?.byteLength !== hashBytes) throw malformed(`the root is not ${hashBytes} bytes in base64`);
  return { origin, size, root };
}

function malformed(why: string): NoteError {
  return new NoteError('checkpoint_malformed', `not a checkpoint: ${why}`);
}
