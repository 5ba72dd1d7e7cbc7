import { NoteError } from '../tlog/note-error.js';
import { parseVerifierKey } from '../tlog/note-key.js';
import type { AskedWitness } from './asker.js';
import { parseCosignerKey } from './cosignature.js';

/**
 * Reads "KEY URL".
 * @throws NoteError `key_malformed` for the key and for the address.
 */
export function parseAsk(text: string): AskedWitness {
  const [key = '', address = '', ...more] = text.trim().split(/\s+/);
  const verifier = parseCosignerKey(key);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && !url.search && !url.hash;
  if (!isPlain || url.username !== '' || url.password !== '' || more.length > 0) {
    throw new NoteError(
      'key_malformed',
      `behind the key of ${verifier.name} stands its address, http:// or https://, without user, query or fragment`,
    );
  }
  return { key, verifier, url: url.href.replace(/\/+$/, '') };
}

/** What is wrong with a setting of ledger.witness; undefined for nothing. */
export function witnessProblem(setting: 'logs' | 'ask', text: string): string | undefined {
  try {
    if (setting === 'logs') parseVerifierKey(text);
    else parseAsk(text);
    return undefined;
  } catch (error) {
    if (error instanceof NoteError) return error.message;
    throw error;
  }
}
