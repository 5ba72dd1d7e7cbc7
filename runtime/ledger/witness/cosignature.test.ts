import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint } from '../tlog/checkpoint.js';
import { openNote, signNote } from '../tlog/note.js';
import { createSigner, parseVerifierKey } from '../tlog/note-key.js';
import { cosignedAt, createCosigner, parseCosignerKey } from './cosignature.js';

const text = formatCheckpoint({ origin: 'log.example/1', size: 3, root: Buffer.alloc(32, 5) });
const cosigner = createCosigner('witness.example/w', Buffer.alloc(32, 9));
const verifier = parseCosignerKey(cosigner.verifierKey);
const noteOf = (line: string) => `${text}\n${line}\n`;

describe('cosignature/v1', () => {
  it('is 4 bytes of the key id, 8 of the time and 64 of Ed25519 over header, time and note', () => {
    const line = cosigner.cosign(text, 1_679_315_147);
    const bytes = Buffer.from(line.split(' ')[2]!, 'base64');
    expect(bytes.byteLength).toBe(76);
    expect(bytes.readUInt32BE(0)).toBe(verifier.keyId);
    expect(bytes.readBigUInt64BE(4)).toBe(1_679_315_147n);
    // The same seed as a key of notes signs the message that C2SP spells out; the signature must be the very same.
    const message = `cosignature/v1\ntime 1679315147\n${text}`;
    const plain = createSigner('witness.example/w', Buffer.alloc(32, 9)).sign(message);
    expect(bytes.subarray(12)).toEqual(Buffer.from(plain.split(' ')[2]!, 'base64').subarray(4));
    expect(openNote(noteOf(line), [verifier])).toMatchObject({
      signedBy: ['witness.example/w'],
      lines: [line],
    });
    expect(cosignedAt(line)).toBe(1_679_315_147);
  });

  it('holds for no other text, time, key or name', () => {
    fc.assert(
      fc.property(fc.nat({ max: 75 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(cosigner.cosign(text, 1000).split(' ')[2]!, 'base64');
        bytes[at]! ^= change;
        const changed = noteOf(`— witness.example/w ${bytes.toString('base64')}`);
        const code = at < 4 ? 'note_unsigned' : 'note_forged';
        expect(() => openNote(changed, [verifier])).toThrow(expect.objectContaining({ code }));
      }),
    );
    const other = noteOf(cosigner.cosign(text.replace('\n3\n', '\n4\n'), 1000));
    expect(() => openNote(other, [verifier])).toThrow(expect.objectContaining({ code: 'note_forged' }));
    const namesake = createCosigner('witness.example/w', Buffer.alloc(32, 8)).cosign(text, 1000);
    expect(() => openNote(noteOf(namesake), [verifier])).toThrow(
      expect.objectContaining({ code: 'note_unsigned' }),
    );
  });

  it('refuses a time from 2^63 on, however it is signed', () => {
    const time = 2 ** 63;
    const line = cosigner.cosign(text, time);
    expect(() => openNote(noteOf(line), [verifier])).toThrow(
      expect.objectContaining({ code: 'note_forged' }),
    );
  });

  it('keeps keys of logs and of witnesses apart', () => {
    const log = createSigner('witness.example/w', Buffer.alloc(32, 9));
    expect(() => parseCosignerKey(log.verifierKey)).toThrow(/not an Ed25519 key of a witness/);
    expect(() => parseVerifierKey(cosigner.verifierKey)).toThrow(/not an Ed25519 key/);
    // A note that is signed as notes are is no cosignature.
    expect(() => openNote(signNote(text, [log]), [verifier])).toThrow(
      expect.objectContaining({ code: 'note_unsigned' }),
    );
  });
});
