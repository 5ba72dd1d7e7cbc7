import { type Bytes, concat, fromBase64, utf8 } from './bytes.js';
import type { Crypto } from './crypto.js';

/** A verifier key of C2SP signed-note: `name+key id+base64(0x01 ‖ Ed25519 key)`. */
export interface VerifierKey {
  text: string;
  /** `<device id>/<epoch>`. */
  name: string;
  id: number;
  publicKey: Bytes;
}

/** Null unless it is a whole and consistent Ed25519 verifier key. */
export async function parseVerifierKey(crypto: Crypto, text: string): Promise<VerifierKey | null> {
  const [, name, idText, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  if (name === undefined || idText === undefined || encoded === undefined) return null;
  const typed = fromBase64(encoded);
  if (typed?.length !== 33 || typed[0] !== 1) return null;
  const id = firstUint32(await crypto.sha256(concat(utf8(`${name}\n`), typed)));
  if (id !== Number.parseInt(idText, 16)) return null;
  return { text: text.trim(), name, id, publicKey: typed.slice(1) };
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
  /** The text that is signed. */
  text: string;
  signatures: { name: string; id: number; bytes: Bytes }[];
}

const noteCharsMax = 100_000;

/** Reads a signed C2SP tlog-checkpoint; null when it is not one. Checks no signature. */
export function parseCheckpoint(note: string): Checkpoint | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (note.length > noteCharsMax || /[\x00-\x09\x0b-\x1f]/.test(note)) return null;
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return null;
  const text = note.slice(0, split + 1);
  const [origin = '', count = '', encoded = ''] = text.split('\n');
  const root = fromBase64(encoded);
  const size = Number(count);
  if (origin === '' || !/^(0|[1-9]\d*)$/.test(count) || !Number.isSafeInteger(size) || root?.length !== 32)
    return null;
  const signatures = [];
  for (const line of note.slice(split + 2, -1).split('\n')) {
    const [, name, base64] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = base64 === undefined ? null : fromBase64(base64);
    if (name === undefined || bytes === null || bytes.length < 5) return null;
    signatures.push({ name, id: firstUint32(bytes), bytes: bytes.slice(4) });
  }
  return { origin, size, root, text, signatures };
}

/** Whether the key signed the checkpoint, and it is a checkpoint of that key's log. */
export async function isSignedBy(crypto: Crypto, checkpoint: Checkpoint, key: VerifierKey): Promise<boolean> {
  if (checkpoint.origin !== key.name) return false;
  const signed = utf8(checkpoint.text);
  for (const { name, id, bytes } of checkpoint.signatures) {
    if (name === key.name && id === key.id) return crypto.ed25519(bytes, signed, key.publicKey);
  }
  return false;
}

function firstUint32(bytes: Bytes): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}
