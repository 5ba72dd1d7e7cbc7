import { strictBase64 } from '../tlog/base64.js';
import { NoteError } from '../tlog/note-error.js';
import { keyTypes, type NoteVerifier, privateKey, publicKey } from '../tlog/note-key.js';

/** What stands in front of the 64 bytes of Ed25519: seconds since 1970, 8 bytes, big end first. */
const timeBytes = 8;
const keyIdBytes = 4;

/** A witness's private side: C2SP tlog-cosignature, cosignature/v1, Ed25519. */
export interface Cosigner {
  readonly name: string;
  readonly verifierKey: string;
  /**
   * The signature line, without its newline, that says: at this time the largest tree that was seen of this log is this one.
   * @param text Of the checkpoint, with its final newline.
   */
  cosign(text: string, timeS: number): string;
}

/** @throws NoteError `key_malformed` for a name or a seed of another form. */
export function createCosigner(name: string, seed: Uint8Array): Cosigner {
  const { verifierKey, sign, line } = privateKey(name, seed, keyTypes.cosignature);
  return {
    name,
    verifierKey,
    cosign: (text, timeS) => {
      const time = Buffer.alloc(timeBytes);
      time.writeBigUInt64BE(BigInt(timeS));
      return line(Buffer.concat([time, sign(messageOf(text, BigInt(timeS)))]));
    },
  };
}

/**
 * Checks the cosignatures of one witness; as a verifier of notes it is told of its own lines only.
 * @throws NoteError `key_malformed` for anything but a key of type 0x04.
 */
export function parseCosignerKey(text: string): NoteVerifier {
  const { name, keyId, verify } = publicKey(text, keyTypes.cosignature);
  return {
    name,
    keyId,
    verify: (note, bytes) => {
      if (bytes.byteLength <= timeBytes) return false;
      const time = Buffer.from(bytes).readBigUInt64BE(0);
      return time < 2n ** 63n && verify(messageOf(note, time), bytes.subarray(timeBytes));
    },
  };
}

/** When a cosignature was given, in seconds since 1970, from its line. */
export function cosignedAt(line: string): number {
  const bytes = strictBase64(line.split(' ')[2] ?? '');
  if (bytes === undefined || bytes.byteLength < keyIdBytes + timeBytes) {
    throw new NoteError('note_malformed', 'a cosignature begins with its time');
  }
  return Number(bytes.readBigUInt64BE(keyIdBytes));
}

function messageOf(text: string, timeS: bigint): string {
  return `cosignature/v1\ntime ${timeS}\n${text}`;
}
